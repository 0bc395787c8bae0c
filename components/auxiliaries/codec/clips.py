"""What the codec learns from: clips with samples and f0, memory-mapped one after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.features.flat_store import FlatStore, write_flat_store
from components.features.pcm import as_samples
from components.features.placed_clips import placed_clips
from components.features.scratch import Features

_TYPES = {"samples": np.int16, "f0": np.float32}


@dataclass(frozen=True)
class StoredClip:
    """One row of the index; offsets are into the flat arrays.

    Attributes:
        clip_id, speaker, split: the utterance's.
        fingerprint: of audio and analysis.
    """

    clip_id: str
    speaker: str
    split: str
    fingerprint: str
    sample_start: int = 0
    samples: int = 0
    frame_start: int = 0
    frames: int = 0


class ClipStore(FlatStore[StoredClip]):
    """Reads a store; rows are sorted by clip id, ``store.json`` holds the analyses of mel and pitch."""

    row_type = StoredClip
    fields = _TYPES
    format = 1
    remedy = "delete the folder and run `make pretrain MODEL=codec` again"

    def lengths(self, rows: Sequence[StoredClip]) -> dict[str, int]:
        """Samples and frames of all rows."""
        return {"samples": sum(row.samples for row in rows), "f0": sum(row.frames for row in rows)}

    def of_split(self, split: str) -> list[StoredClip]:
        """The clips of a split, in index order."""
        return [row for row in self.rows if row.split == split]

    def views(self, row: StoredClip) -> Features:
        """Views: samples [N] int16, f0 [1 + N // hop] Hz with 0 where unvoiced."""
        return {
            "samples": self.arrays["samples"][row.sample_start : row.sample_start + row.samples],
            "f0": self.arrays["f0"][row.frame_start : row.frame_start + row.frames],
        }

    def waveform(self, row: StoredClip) -> NDArray[np.float32]:
        """[N] in [-1, 1]."""
        return as_samples(self.views(row)["samples"])


def spread(rows: Sequence[StoredClip], count: int) -> list[StoredClip]:
    """At most ``count`` of the rows, evenly spread: over all speakers, the index being sorted."""
    return list(rows[:: max(1, math.ceil(len(rows) / count))])


def write_clips(
    target: Path,
    rows: Sequence[StoredClip],
    features_of: Callable[[StoredClip], Features],
    summary: Mapping[str, Any],
) -> None:
    """Write a store atomically. Memory holds one clip at a time.

    Args:
        rows: sorted; their offsets are filled in here.
        features_of: a row's fields, as `ClipStore.views` gives them. Called twice a row.
        summary: how they were made; JSON.
    """
    placed = list(placed_clips(rows, features_of, "f0"))
    last = placed[-1]
    shapes = {"samples": (last.sample_start + last.samples,), "f0": (last.frame_start + last.frames,)}

    def parts_of(row: StoredClip) -> Iterator[tuple[str, int, NDArray[Any]]]:
        made = features_of(row)
        yield "samples", row.sample_start, made["samples"]
        yield "f0", row.frame_start, made["f0"]

    write_flat_store(target, ClipStore, placed, shapes, parts_of, lambda arrays: summary)
