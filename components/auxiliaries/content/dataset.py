"""Training samples: stretches of clips, what is hidden of them, and the clusters to be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from components.auxiliaries.content.clips import StoredClip
from components.auxiliaries.content.masking import span_mask
from components.auxiliaries.content.network import NO_TARGET
from components.auxiliaries.content.params import Architecture, Perturbation, Training
from components.auxiliaries.content.targets import Targets
from components.core.errors import DataError
from components.core.utterance import Split
from components.features.recorded_clips import spread

Sample = Mapping[str, Tensor]
_EQUALISER_WAVES = 4
_SILENCE = 1e-9
"""Root mean square that nothing is divided by."""


class MaskedSpeech(Dataset[Sample]):
    """Stretches of at most ``segment_frames`` features, masks drawn anew each time in training.

    A share of the training stretches is played at another speed and through a random filter while the
    targets stay those of the recording: formants, pitch and timbre then tell less about the target, sounds as
    much as before. That is what ContentVec (Qian et al. 2022, section 3.2) asks of its student, by simpler
    means.

    Attributes:
        lengths: features of a sample at most, for batches of like length.

    Raises:
        DataError: the split is empty.
    """

    def __init__(
        self, targets: Targets, split: Split, architecture: Architecture, training: Training
    ) -> None:
        self._targets, self._architecture, self._training = targets, architecture, training
        self._draws = split == "train"
        rows = targets.store.of_split(split)
        if self._draws:
            repeats = training.recorded_repeats
            rows = [row for row in rows for _ in range(repeats if row.role == "human" else 1)]
        else:
            rows = spread(rows, training.validation_clips)
        if not rows:
            raise DataError(
                who=str(targets.store.folder),
                expected=f"clips of split {split!r}",
                found="none",
                action="record more, or lower data.splits in params.yaml",
            )
        self._rows = rows
        self.lengths = [min(row.frames, training.segment_frames) for row in rows]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Sample:
        """samples [N], targets [T] and mask [T] of one stretch."""
        row, segment = self._rows[index], self._training.segment_frames
        perturbation = self._training.perturbation
        perturbed = self._draws and float(torch.rand(())) < perturbation.share
        speed = _speed(perturbation) if perturbed else 1.0
        wanted = min(row.frames, int(segment * speed))
        spare = row.frames - wanted
        start = int(torch.randint(spare + 1, ())) if self._draws else spare // 2
        samples, labels = self._stretch(row, start, wanted)
        if speed != 1.0:
            samples, labels = resampled(samples, labels, speed, self._architecture)
        if perturbed and perturbation.equaliser_db > 0:
            samples = equalised(samples, (perturbation.equaliser_db * torch.randn(_EQUALISER_WAVES)).numpy())
        generator = None if self._draws else torch.Generator().manual_seed(index)
        return {
            "samples": torch.from_numpy(samples),
            "targets": torch.from_numpy(labels.astype(np.int64)),
            "mask": span_mask(len(labels), self._training.masking, generator),
        }

    def _stretch(
        self, row: StoredClip, start: int, frames: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
        stride, window = self._architecture.stride, self._architecture.window
        first, last = start * stride, (start + frames - 1) * stride + window
        labels = np.array(self._targets.of(row)[start : start + frames])
        return self._targets.store.waveform(row)[first:last], labels


def resampled(
    samples: NDArray[np.float32], labels: NDArray[np.int16], speed: float, architecture: Architecture
) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    """Played ``speed`` times as fast; each new frame gets the label of the moment it was.

    Args:
        samples: [N].
        labels: [T] of the features of these samples.

    Returns:
        [about N / speed] and as many labels as that has features.
    """
    import soxr

    played = soxr.resample(samples, speed, 1.0, quality="MQ").astype(np.float32)
    stride, half = architecture.stride, architecture.window / 2
    short = architecture.window - len(played)
    if short > 0:
        played = np.pad(played, (0, short))
    frames = (len(played) - architecture.window) // stride + 1
    moments = (np.arange(frames) * stride + half) * speed
    places = np.clip(np.rint((moments - half) / stride), 0, len(labels) - 1).astype(int)
    return played, labels[places]


def collate(samples: Sequence[Sample]) -> Mapping[str, Tensor]:
    """Pad to a batch: samples [B, N], heard [B, N] (1, and 0 where padded), targets [B, T], mask [B, T]."""
    waves = [sample["samples"] for sample in samples]
    return {
        "samples": pad_sequence(waves, batch_first=True),
        "heard": pad_sequence([torch.ones(len(wave), dtype=torch.long) for wave in waves], batch_first=True),
        "targets": pad_sequence([s["targets"] for s in samples], batch_first=True, padding_value=NO_TARGET),
        "mask": pad_sequence([s["mask"] for s in samples], batch_first=True),
    }


def equalised(samples: NDArray[np.float32], weights_db: NDArray[np.float32]) -> NDArray[np.float32]:
    """Through a filter without delay whose gain in dB is a sum of half cosines over the frequencies.

    Args:
        samples: [N] at 16 kHz.
        weights_db: amplitude of the wave with one half period over the spectrum, two, three …

    Returns:
        [N], as loud as before.
    """
    place = np.linspace(0.0, np.pi, len(samples) // 2 + 1)
    gain_db = sum(weight * np.cos(number * place) for number, weight in enumerate(weights_db, start=1))
    filtered = np.fft.irfft(np.fft.rfft(samples) * 10.0 ** (gain_db / 20.0), n=len(samples))
    before, after = np.sqrt(np.mean(samples**2)), np.sqrt(np.mean(filtered**2))
    return np.asarray(filtered * (before / max(float(after), _SILENCE)), dtype=np.float32)


def _speed(perturbation: Perturbation) -> float:
    low, high = np.log(perturbation.speed_min), np.log(perturbation.speed_max)
    return float(np.exp(low + (high - low) * float(torch.rand(()))))
