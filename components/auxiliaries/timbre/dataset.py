"""Training samples: speech, another utterance of the speaker as the prompt, and a new voice for both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from components.auxiliaries.codec.trained import without_gaps
from components.auxiliaries.timbre.clips import SoundStore, StoredSound
from components.auxiliaries.timbre.new_voices import draw
from components.auxiliaries.timbre.params import Training
from components.core.errors import DataError
from components.core.utterance import Split

Sample = Mapping[str, Tensor]


class VoicePairs(Dataset[Sample]):
    """Speakers take turns, however many utterances they have. Training draws; else samples stay the same.

    Args:
        store: written by `clips.prepare`.
        split: whose clips.
        training: lengths, shares.
        centres_hz: [n_mels] of the bands.
        floor: ln amplitude of silence.

    Raises:
        DataError: no speaker with two utterances.
    """

    def __init__(
        self, store: SoundStore, split: Split, training: Training, centres_hz: Tensor, floor: float
    ) -> None:
        self._store, self._training, self._draws = store, training, split == "train"
        self._centres, self._floor = centres_hz, floor
        by_speaker: dict[str, list[StoredSound]] = {}
        for row in store.of_split(split):
            by_speaker.setdefault(row.speaker, []).append(row)
        self._voices = [rows for _, rows in sorted(by_speaker.items()) if len(rows) > 1]
        if not self._voices:
            raise DataError(
                who=str(store.folder),
                expected=f"a speaker with two clips of split {split!r}",
                found="none",
                action="record more, or lower data.splits in params.yaml",
            )
        self._count = sum(map(len, self._voices)) if self._draws else training.validation_clips

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Sample:
        """mel [T, n_mels], log_f0 [T], voiced [T], the same of the prompt, and of a `new_voices.Drawn`.

        Besides: drift [], how much of the new voice the codes have; softness [], 0: codes, else how far a
        mean over codes of the first codebook is blurred.
        """
        drawn = None if self._draws else torch.Generator().manual_seed(index)
        rows, training = self._voices[index % len(self._voices)], self._training
        first = _below(len(rows), drawn)
        second = (first + 1 + _below(len(rows) - 1, drawn)) % len(rows)
        voice = draw(training.new_voices, self._centres, drawn)
        chances = torch.rand(4, generator=drawn)
        drifts, means = chances[0] < training.drift_share, chances[2] < training.mean_share
        return {
            **self._stretch(rows[first], training.speech_frames, "", drawn),
            **self._stretch(rows[second], training.prompt_frames, "prompt_", drawn),
            "warp": voice.warp,
            "pitch": voice.pitch,
            "equaliser": voice.equaliser,
            "drift": chances[1] if drifts else torch.ones(()),
            "softness": chances[3] * training.mean_softness if means else torch.zeros(()),
        }

    def _stretch(
        self, row: StoredSound, frames: int, prefix: str, drawn: torch.Generator | None
    ) -> dict[str, Tensor]:
        start = _below(max(1, row.frames - frames + 1), drawn)
        views = self._store.views(row)
        mel, f0 = (views[name][start : start + frames].astype(np.float32) for name in ("mel", "f0"))
        rest = frames - len(f0)
        return {
            f"{prefix}mel": torch.from_numpy(np.pad(mel, ((0, rest), (0, 0)), constant_values=self._floor)),
            f"{prefix}log_f0": torch.from_numpy(without_gaps(np.pad(f0, (0, rest)))),
            f"{prefix}voiced": torch.from_numpy(np.pad(f0, (0, rest)) > 0),
        }


def _below(count: int, generator: torch.Generator | None) -> int:
    return int(torch.randint(count, (), generator=generator))


def collate(samples: Sequence[Sample]) -> Mapping[str, Tensor]:
    """Samples of equal lengths to a batch."""
    return {name: torch.stack([sample[name] for sample in samples]) for name in samples[0]}
