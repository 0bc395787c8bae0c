"""Windows of clips with their sounds; the sounds of a clip's other windows are the wrong ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from components.auxiliaries.syncnet.params import Training
from components.core.errors import DataError
from components.features.lip_mel import heard_at
from components.features.talking.store import TalkingStore

Sample = Mapping[str, Tensor]


class SyncWindows(Dataset[Sample]):
    """``windows_per_clip`` windows of a clip, drawn anew each time in training, evenly spread otherwise.

    The wrong sounds are of the same clip: voice, face and room tell nothing, only the moment does. A window
    is seen and heard once and compared with all: N windows make N right pairs and nearly N² wrong ones.

    Raises:
        DataError: no clip is long enough.
    """

    def __init__(self, store: TalkingStore, part: str, training: Training) -> None:
        self._store, self._count, self._draws = store, training.windows_per_clip, part == "train"
        needed = max(self._count, 2 * (store.hearing.span + training.min_shift_frames))
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
        """crops [N, T, 3, S, S] uint8, mel [N, n_mels, 16], starts [N] first video frames, rising."""
        row, hearing = self._rows[index], self._store.hearing
        starts = self._store.starts(row)
        if self._draws:
            chosen = starts[torch.randperm(len(starts))[: self._count].sort().values.numpy()]
        else:
            chosen = starts[np.linspace(0, len(starts) - 1, self._count).round().astype(int)]
        crops, mel = self._store.crops(row), self._store.mel(row)
        seen = np.stack([crops[start : start + hearing.span] for start in chosen])
        heard = np.stack([heard_at(mel, hearing.start(int(start)), hearing) for start in chosen])
        return {
            "crops": torch.from_numpy(seen).permute(0, 1, 4, 2, 3),
            "mel": torch.from_numpy(heard),
            "starts": torch.from_numpy(chosen),
        }


def collate(samples: Sequence[Sample]) -> Mapping[str, Tensor]:
    """[B, N, …] of each; crops become float32 in [0, 1]."""
    joined = {name: torch.stack([sample[name] for sample in samples]) for name in samples[0]}
    return {**joined, "crops": joined["crops"].contiguous().float() / 255.0}
