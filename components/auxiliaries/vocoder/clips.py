"""What the vocoder learns from: clips with samples, mel and f0, memory-mapped one after the other."""

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

_TYPES = {"samples": np.int16, "mel": np.float32, "f0": np.float32}


@dataclass(frozen=True)
class StoredClip:
    """One row of the index; offsets are into the flat arrays.

    Attributes:
        clip_id: the utterance's id and the number of the copy; copy 0 is the recording as it is.
        split: the utterance's.
        fingerprint: of audio, analysis and speed.
    """

    clip_id: str
    split: str
    fingerprint: str
    sample_start: int = 0
    samples: int = 0
    frame_start: int = 0
    frames: int = 0

    @property
    def is_copy(self) -> bool:
        """Whether its speed was changed."""
        return not self.clip_id.endswith("/0")


class ClipStore(FlatStore[StoredClip]):
    """Reads a store; its rows are sorted by clip id, ``store.json`` holds the analyses of mel and pitch."""

    row_type = StoredClip
    fields = _TYPES
    format = 1
    remedy = "delete the folder and run `make pretrain MODEL=vocoder` again"

    def lengths(self, rows: Sequence[StoredClip]) -> dict[str, int]:
        """Samples and frames of all rows."""
        frames = sum(row.frames for row in rows)
        return {"samples": sum(row.samples for row in rows), "mel": frames, "f0": frames}

    def spread(self, split: str, count: int) -> list[StoredClip]:
        """At most ``count`` unchanged clips of a split, evenly spread over the index: over all speakers."""
        rows = [row for row in self.rows if row.split == split and not row.is_copy]
        step = max(1, math.ceil(len(rows) / count))
        return rows[::step]

    def views(self, row: StoredClip) -> Features:
        """Views: samples [N] int16, mel [T, n_mels], f0 [T] Hz with 0 where unvoiced."""
        frames = slice(row.frame_start, row.frame_start + row.frames)
        samples = slice(row.sample_start, row.sample_start + row.samples)
        arrays = self.arrays
        return {
            "samples": arrays["samples"][samples],
            "mel": arrays["mel"][frames],
            "f0": arrays["f0"][frames],
        }

    def waveform(self, row: StoredClip) -> NDArray[np.float32]:
        """[N] in [-1, 1]."""
        return as_samples(self.views(row)["samples"])


def write_clips(
    target: Path,
    rows: Sequence[StoredClip],
    features_of: Callable[[StoredClip], Features],
    summary: Mapping[str, Any],
) -> None:
    """Write a store atomically. Memory holds one clip at a time.

    Args:
        target: folder; an older store there is replaced when the new one is complete.
        rows: sorted; their offsets are filled in here.
        features_of: a row's fields, as `ClipStore.views` gives them. Called twice a row.
        summary: how they were made; JSON.
    """
    placed = list(placed_clips(rows, features_of, "f0"))
    bands = features_of(placed[0])["mel"].shape[1]
    last = placed[-1]
    frames, samples = last.frame_start + last.frames, last.sample_start + last.samples
    shapes: dict[str, tuple[int, ...]] = {"samples": (samples,), "mel": (frames, bands), "f0": (frames,)}

    def parts_of(row: StoredClip) -> Iterator[tuple[str, int, NDArray[Any]]]:
        made = features_of(row)
        yield "samples", row.sample_start, made["samples"]
        yield "mel", row.frame_start, made["mel"]
        yield "f0", row.frame_start, made["f0"]

    write_flat_store(target, ClipStore, placed, shapes, parts_of, lambda arrays: summary)
