"""Training samples: stretches of clips, drawn anew each time; for validation always the same."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from components.auxiliaries.vocoder.clips import ClipStore
from components.auxiliaries.vocoder.params import Training
from components.core.errors import DataError
from components.core.utterance import Split
from components.features.mel import MelAnalysis

Sample = Mapping[str, Tensor]


class ClipDataset(Dataset[Sample]):
    """Stretches of ``segment_frames`` frames with the hops that begin at them.

    Training draws where a stretch begins and, for the pitch network, a level and a blur over frames: mels
    that a network predicts are quieter, louder and smoother than those of recordings. Validation takes the
    middle of ``validation_clips`` unchanged clips.

    Args:
        store: written by `preparation.prepare`.
        split: whose clips.
        analysis: the mel's definition.
        training: sizes and ranges.
        with_samples: whether a sample carries the waveform (the GAN) or f0 (the pitch network).

    Raises:
        DataError: the split is empty.
    """

    def __init__(
        self, store: ClipStore, split: Split, analysis: MelAnalysis, training: Training, with_samples: bool
    ) -> None:
        self._store, self._analysis, self._training = store, analysis, training
        self._with_samples, self._draws = with_samples, split == "train"
        if self._draws:
            rows = [row for row in store.rows if row.split == split]
        else:
            rows = store.spread(split, training.validation_clips)
        if not rows:
            raise DataError(
                who=str(store.folder),
                expected=f"clips of split {split!r}",
                found="none",
                action="record more, or lower data.splits in params.yaml",
            )
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Sample:
        """One stretch: mel [S, n_mels], and samples [S · hop] or f0 [S]. Filled up with silence."""
        row = self._rows[index]
        spare = max(0, row.frames - self._training.segment_frames)
        start = int(torch.randint(spare + 1, ())) if self._draws else spare // 2
        fields = self._store.views(row)
        frames = slice(start, start + self._training.segment_frames)
        mel = self._filled(torch.from_numpy(fields["mel"][frames].copy()), self._silence)
        if self._with_samples:
            hop = self._analysis.hop_length
            wave = self._store.waveform(row)[start * hop : (start + self._training.segment_frames) * hop]
            missing = self._training.segment_frames * hop - len(wave)
            return {"mel": mel, "samples": F.pad(torch.from_numpy(wave), (0, missing))}
        f0 = self._filled(torch.from_numpy(fields["f0"][frames].copy()), 0.0)
        return {"mel": self._varied(mel) if self._draws else mel, "f0": f0}

    def statistics(self) -> tuple[float, float]:
        """Mean and standard deviation of all mel values."""
        mels = [torch.from_numpy(self._store.views(row)["mel"].copy()) for row in self._rows]
        values = torch.cat(mels).double()
        return float(values.mean()), float(values.std())

    @property
    def _silence(self) -> float:
        return math.log(self._analysis.log_floor)

    def _filled(self, part: Tensor, value: float) -> Tensor:
        missing = self._training.segment_frames - len(part)
        return F.pad(part, (*(0, 0) * (part.ndim - 1), 0, missing), value=value)

    def _varied(self, mel: Tensor) -> Tensor:
        gain = float(torch.empty(()).uniform_(-1.0, 1.0)) * self._training.gain_range
        width = float(torch.rand(())) * self._training.blur_max_frames
        return blurred(mel + gain, width).clamp(min=self._silence)


def blurred(mel: Tensor, width: float) -> Tensor:
    """[T, n_mels], each band averaged over frames by a Gaussian of that standard deviation in frames."""
    radius = math.ceil(2 * width)
    if radius == 0:
        return mel
    offsets = torch.arange(-radius, radius + 1, device=mel.device)
    kernel = torch.softmax(-0.5 * (offsets / width).square(), dim=0)
    edges = F.pad(mel.t()[:, None], (radius, radius), mode="replicate")
    return F.conv1d(edges, kernel[None, None].to(mel))[:, 0].t()


def collate(samples: Sequence[Sample]) -> Mapping[str, Tensor]:
    """Stretches of one length to a batch [B, ...] of each field."""
    return {name: torch.stack([sample[name] for sample in samples]) for name in samples[0]}
