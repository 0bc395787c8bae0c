"""Windows of five frames with a reference of another time, the sound of each frame, and of the window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from components.core.errors import DataError
from components.features.lip_mel import heard_at
from components.features.talking.store import TalkingRow, TalkingStore
from components.models.wav2lip.params import Training

Sample = Mapping[str, Tensor]


class FaceWindows(Dataset[Sample]):
    """One window of each clip, drawn anew each time in training, the middle one otherwise.

    The reference is of the same clip and at least ``reference_min_frames`` away: a nearer one shows the very
    mouth that is asked for, and copying it would be learned instead of speaking. It is at most
    ``reference_max_frames`` away: the head hardly moves meanwhile, so what differs is the mouth.

    Raises:
        DataError: no clip is long enough.
    """

    def __init__(self, store: TalkingStore, part: str, training: Training) -> None:
        self._store, self._training, self._draws = store, training, part == "train"
        span = store.hearing.span
        self._apart = max(training.reference_min_frames, span)
        needed = 2 * (self._apart + span)
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
        """target and reference [T + K, 3, S, S] uint8, mel [T + K, n_mels, 16] of each frame, right and wrong
        [n_mels, 16] of the window; K = ``single_frames`` in training, of other clips, else 0."""
        row, hearing = self._rows[index], self._store.hearing
        starts = self._store.starts(row)
        place = self._drawn(len(starts)) if self._draws else len(starts) // 2
        start = int(starts[place])
        far = starts[np.abs(starts - start) >= self._apart]
        other = self._reference(starts, start)
        elsewhere = int(far[self._drawn(len(far)) if self._draws else -1])
        mel, span = self._store.mel(row), hearing.span
        shown = [(row, start + step, other + step) for step in range(span)]
        if self._draws:
            shown += [self._single() for _ in range(self._training.single_frames)]
        each = [heard_at(self._store.mel(of), hearing.centred_start(at), hearing) for of, at, _ in shown]
        return {
            "target": self._faces([(of, at) for of, at, _ in shown]),
            "reference": self._faces([(of, like) for of, _, like in shown]),
            "mel": torch.from_numpy(np.stack(each)),
            "right": torch.from_numpy(heard_at(mel, hearing.start(start), hearing)),
            "wrong": torch.from_numpy(heard_at(mel, hearing.start(elsewhere), hearing)),
        }

    def _reference(self, starts: NDArray[np.int64], start: int) -> int:
        """Where the reference of a window begins: as far away as is asked, else as there is."""
        gaps = np.abs(starts - start)
        far = starts[gaps >= self._apart]
        near = starts[(gaps >= self._apart) & (gaps <= self._training.reference_max_frames)]
        near = near if len(near) else far
        return int(near[self._drawn(len(near)) if self._draws else 0])

    def _single(self) -> tuple[TalkingRow, int, int]:
        """A clip, a frame of it and the frame of its reference."""
        row = self._rows[self._drawn(len(self._rows))]
        starts, middle = self._store.starts(row), self._store.hearing.span // 2
        start = int(starts[self._drawn(len(starts))])
        return row, start + middle, self._reference(starts, start) + middle

    def _faces(self, frames: Sequence[tuple[TalkingRow, int]]) -> Tensor:
        crops = np.stack([self._store.crops(row)[at] for row, at in frames])
        return torch.from_numpy(crops).permute(0, 3, 1, 2)

    @staticmethod
    def _drawn(count: int) -> int:
        return int(torch.randint(count, ()))


def collate(samples: Sequence[Sample]) -> Mapping[str, Tensor]:
    """[B, …] of each; target and reference become float32 in [0, 1]."""
    joined = {name: torch.stack([sample[name] for sample in samples]) for name in samples[0]}
    return {
        name: value.contiguous().float() / 255.0 if value.dtype == torch.uint8 else value
        for name, value in joined.items()
    }
