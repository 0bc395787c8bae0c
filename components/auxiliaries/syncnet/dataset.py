"""Windows of clips with their own sound and with a wrong one of the same clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from components.auxiliaries.syncnet.params import Training
from components.core.errors import DataError
from components.features.lip_mel import heard_at
from components.features.talking.store import TalkingRow, TalkingStore

Sample = Mapping[str, Tensor]


class SyncPairs(Dataset[Sample]):
    """``windows_per_clip`` windows of a clip, drawn anew each time in training, evenly spread otherwise.

    The wrong sound is of the same clip: voice, face and room tell nothing, only the moment does.

    Raises:
        DataError: no clip is long enough.
    """

    def __init__(self, store: TalkingStore, part: str, training: Training) -> None:
        self._store, self._training, self._draws = store, training, part == "train"
        hearing = store.hearing
        needed = 2 * (hearing.span + training.min_shift_frames)
        rows = [row for row in store.of_part(part) if len(store.starts(row)) >= needed]
        if not self._draws:
            rows = rows[:: max(1, -(-len(rows) // training.validation_clips))]
        if not rows:
            raise DataError(
                who=str(store.folder),
                expected=f"a clip of part {part!r} with {needed} windows that show a face",
                found=f"{len(store.of_part(part))} clips, none so long",
                action="record more or longer clips",
            )
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Sample:
        """crops [N, T, 3, S, S] uint8, right and wrong [N, n_mels, 16]."""
        row, count = self._rows[index], self._training.windows_per_clip
        starts = self._store.starts(row)
        if self._draws:
            chosen = starts[torch.randint(len(starts), (count,)).numpy()]
            generator = None
        else:
            chosen = starts[np.linspace(0, len(starts) - 1, count).round().astype(int)]
            generator = torch.Generator().manual_seed(index)
        crops, mel, hearing = self._store.crops(row), self._store.mel(row), self._store.hearing
        wrong = [self._wrong(int(start), row, generator) for start in chosen]
        windows = np.stack([crops[start : start + hearing.span] for start in chosen])
        return {
            "crops": torch.from_numpy(windows).permute(0, 1, 4, 2, 3).contiguous(),
            "right": _heard(self._store, mel, [int(start) for start in chosen]),
            "wrong": _heard(self._store, mel, wrong),
        }

    def _wrong(self, start: int, row: TalkingRow, generator: torch.Generator | None) -> int:
        """First video frame of a window elsewhere in the clip."""
        last = row.frames - self._store.hearing.span
        reach = last
        if float(torch.rand((), generator=generator)) < self._training.near_share:
            reach = self._training.near_frames
        least = self._training.min_shift_frames
        before = range(max(0, start - reach), start - least + 1)
        after = range(start + least, min(last, start + reach) + 1)
        drawn = int(torch.randint(len(before) + len(after), (), generator=generator))
        return before[drawn] if drawn < len(before) else after[drawn - len(before)]


def _heard(store: TalkingStore, mel: NDArray[np.float32], starts: Sequence[int]) -> Tensor:
    hearing = store.hearing
    return torch.from_numpy(np.stack([heard_at(mel, hearing.start(start), hearing) for start in starts]))


def collate(samples: Sequence[Sample]) -> Mapping[str, Tensor]:
    """All windows in one batch; crops [B, T, 3, S, S] become float32 in [0, 1]."""
    joined = {name: torch.cat([sample[name] for sample in samples]) for name in samples[0]}
    return {**joined, "crops": joined["crops"].float() / 255.0}
