"""Training samples: stretches of slices, drawn anew each time; for validation always the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from components.core.errors import DataError
from components.core.utterance import Split
from components.features.pcm import as_samples
from components.models.rvc.params import FRAMES_PER_FEATURE
from components.models.rvc.store import SliceStore, StoredSlice

Sample = Mapping[str, Tensor]


class SliceDataset(Dataset[Sample]):
    """The slices of one split. Training draws where a stretch begins; validation takes the middle.

    Args:
        store: written by `preparation.prepare`.
        split: whose slices.
        speakers: ids, in the order of the network's table.
        longest: frames of a stretch at most.
        balance: 0 to 1; in training a speaker's slices count (longest speaker / own length) ** balance times.

    Raises:
        DataError: the split is empty.
    """

    def __init__(
        self, store: SliceStore, split: Split, speakers: tuple[str, ...], longest: int, balance: float = 0.0
    ) -> None:
        self._store, self._speakers, self._draws = store, speakers, split == "train"
        self._longest = longest // FRAMES_PER_FEATURE
        rows = [row for row in store.rows if row.split == split]
        self._rows = _balanced(rows, balance) if self._draws and rows else rows
        if not self._rows:
            raise DataError(
                who=str(store.folder),
                expected=f"slices of split {split!r}",
                found=f"none among {len(store.rows)}",
                action="record more, or lower data.splits in params.yaml",
            )
        self.lengths = tuple(min(row.features, self._longest) for row in self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Sample:
        """One stretch: content [n, D], f0 [2 n] Hz, samples [2 n · hop]; frames (2 n), speaker scalars."""
        row, features = self._rows[index], self.lengths[index]
        spare = row.features - features
        first = int(torch.randint(spare + 1, ())) if self._draws else spare // 2
        views = self._store.views(row, first, features)
        return {
            "content": self._content(views["content"]),
            "f0": torch.from_numpy(views["f0"].copy()),
            "samples": torch.from_numpy(as_samples(views["samples"])),
            "frames": torch.tensor(FRAMES_PER_FEATURE * features),
            "speaker": torch.tensor(self._speakers.index(row.speaker_id)),
        }

    def _content(self, heard: NDArray[np.float16]) -> Tensor:
        """[n, D] of [n, speeds · D]: at any speed in training, else as the recording is."""
        speeds = self._store.content_speeds
        chosen = int(torch.randint(speeds, ())) if self._draws else 0
        one = np.split(heard, speeds, axis=1)[chosen]
        return torch.from_numpy(one.astype(np.float32))


def _balanced(rows: Sequence[StoredSlice], balance: float) -> list[StoredSlice]:
    """Each slice as often as its speaker's little material asks for, at least once; rounded."""
    features = Counter[str]()
    for row in rows:
        features[row.speaker_id] += row.features
    most = max(features.values())
    return [row for row in rows for _ in range(max(1, round((most / features[row.speaker_id]) ** balance)))]


def collate(samples: Sequence[Sample], segment_frames: int, hop: int) -> Mapping[str, Tensor]:
    """Stretches to a batch, filled up with silence to the longest, and at least to a segment.

    Returns:
        content [B, T / 2, D], f0 [B, T], samples [B, T · hop], frames [B], speakers [B].
    """
    longest = max(*(int(sample["frames"]) for sample in samples), segment_frames)
    features = -(-longest // FRAMES_PER_FEATURE)
    frames = FRAMES_PER_FEATURE * features

    def filled(name: str, length: int) -> Tensor:
        parts = [sample[name] for sample in samples]
        return torch.stack(
            [F.pad(part, (*(0, 0) * (part.ndim - 1), 0, length - len(part))) for part in parts]
        )

    return {
        "content": filled("content", features),
        "f0": filled("f0", frames),
        "samples": filled("samples", frames * hop),
        "frames": torch.stack([sample["frames"] for sample in samples]),
        "speakers": torch.stack([sample["speaker"] for sample in samples]),
    }
