"""Training samples: stretches of clips, drawn anew each time; for validation always the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from components.auxiliaries.codec.clips import ClipStore
from components.auxiliaries.codec.params import Architecture, Training
from components.auxiliaries.codec.trained import without_gaps
from components.core.errors import DataError
from components.core.utterance import Split
from components.features.mel import MelAnalysis, log_mel, magnitudes
from components.features.pcm import as_samples
from components.features.recorded_clips import spread

Sample = Mapping[str, Tensor]
_CLIPS_FOR_STATISTICS = 200
_LEAST_SPREAD = 0.1
"""Nepers; a band in which nothing ever sounds is not blown up."""


class ClipDataset(Dataset[Sample]):
    """Stretches of ``segment_frames`` frames of codes. Training draws where one begins.

    Args:
        store: written by `preparation.prepare`.
        split: whose clips.
        architecture: rates.
        training: sizes.

    Raises:
        DataError: the split is empty.
    """

    def __init__(
        self, store: ClipStore, split: Split, architecture: Architecture, training: Training
    ) -> None:
        self._store, self._hop, self._draws = store, architecture.hop_length, split == "train"
        self._frames = training.segment_frames * architecture.stride
        rows = store.of_split(split)
        self._rows = rows if self._draws else spread(rows, training.validation_clips)
        if not self._rows:
            raise DataError(
                who=str(store.folder),
                expected=f"clips of split {split!r}",
                found="none",
                action="record more, or lower data.splits in params.yaml",
            )

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Sample:
        """samples [S · hop], log_f0 [S] and voiced [S] of S frames of the analysis; filled with silence."""
        row = self._rows[index]
        spare = max(0, row.frames - 1 - self._frames)
        start = int(torch.randint(spare + 1, ())) if self._draws else spare // 2
        views = self._store.views(row)
        first, last = start * self._hop, (start + self._frames) * self._hop
        samples = as_samples(views["samples"][first:last])
        f0 = views["f0"][start : start + self._frames]
        f0 = np.pad(f0, (0, self._frames - len(f0)))
        return {
            "samples": torch.from_numpy(np.pad(samples, (0, last - first - len(samples)))),
            "log_f0": torch.from_numpy(without_gaps(f0)),
            "voiced": torch.from_numpy(f0 > 0),
        }

    def statistics(self, analysis: MelAnalysis) -> Statistics:
        """Of the training clips (at most 200 of them): of each mel band, and of ln f0."""
        rows = spread(self._rows, _CLIPS_FOR_STATISTICS)
        mels = np.concatenate(
            [log_mel(magnitudes(self._store.waveform(r), analysis), analysis) for r in rows]
        )
        pitch = np.concatenate([self._store.views(row)["f0"] for row in rows])
        voiced = np.log(pitch[pitch > 0])
        return Statistics(
            mels.mean(axis=0).astype(np.float32),
            np.maximum(mels.std(axis=0), _LEAST_SPREAD).astype(np.float32),
            float(voiced.mean()),
            max(float(voiced.std()), _LEAST_SPREAD),
        )


@dataclass(frozen=True)
class Statistics:
    """Means and deviations: [n_mels] of the log mel, and of ln f0 in voiced frames."""

    mel_centre: NDArray[np.float32]
    mel_spread: NDArray[np.float32]
    pitch_centre: float
    pitch_spread: float


def collate(samples: Sequence[Sample]) -> Mapping[str, Tensor]:
    """Stretches of equal length to a batch."""
    return {name: torch.stack([sample[name] for sample in samples]) for name in samples[0]}
