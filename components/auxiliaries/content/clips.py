"""What the content encoder learns from: samples, cepstra and, where known, symbols; memory-mapped."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.core.storage import sha256_path
from components.features.flat_store import INDEX_NAME, FlatStore, write_flat_store
from components.features.pcm import as_samples
from components.features.placed_clips import placed_clips
from components.features.scratch import Features

_TYPES = {"samples": np.int16, "cepstra": np.float32, "symbols": np.int16}
#: Symbol of a frame in which none is known to sound.
NO_SYMBOL = -1


@dataclass(frozen=True)
class StoredClip:
    """One row of the index; offsets are into the flat arrays.

    Attributes:
        clip_id: the utterance's id.
        speaker, role, split: the utterance's.
        fingerprint: of audio and analysis.
    """

    clip_id: str
    speaker: str
    role: str
    split: str
    fingerprint: str
    sample_start: int = 0
    samples: int = 0
    frame_start: int = 0
    frames: int = 0


class ClipStore(FlatStore[StoredClip]):
    """Reads a store; its rows are sorted by clip id.

    ``store.json`` tells how the clips were made, and ``symbols``, the names behind their numbers.
    """

    row_type = StoredClip
    fields = _TYPES
    format = 1
    remedy = "delete the folder and run `make pretrain MODEL=content` again"

    def lengths(self, rows: Sequence[StoredClip]) -> dict[str, int]:
        """Samples and frames of all rows."""
        frames = sum(row.frames for row in rows)
        return {"samples": sum(row.samples for row in rows), "cepstra": frames, "symbols": frames}

    @cached_property
    def sha256(self) -> str:
        """Of the index, whose fingerprints stand for all the arrays hold."""
        return sha256_path(self.folder / INDEX_NAME)

    def of_split(self, *splits: str) -> list[StoredClip]:
        """The clips of these splits, in index order."""
        return [row for row in self.rows if row.split in splits]

    def waveform(self, row: StoredClip) -> NDArray[np.float32]:
        """[N] in [-1, 1]."""
        return as_samples(self.arrays["samples"][row.sample_start : row.sample_start + row.samples])

    def cepstra(self, row: StoredClip) -> NDArray[np.float32]:
        """[T, 3 · coefficients], a view."""
        part: NDArray[np.float32] = self.arrays["cepstra"][row.frame_start : row.frame_start + row.frames]
        return part

    def symbols(self, row: StoredClip) -> NDArray[np.int16]:
        """[T] number of the symbol that sounds in the middle of each frame, `NO_SYMBOL` where not known."""
        part: NDArray[np.int16] = self.arrays["symbols"][row.frame_start : row.frame_start + row.frames]
        return part


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
        target: folder; an older store there is replaced when the new one is complete.
        rows: sorted; their offsets are filled in here.
        features_of: a row's fields: samples [N] int16, cepstra [T, C], symbols [T]. Called twice a row.
        summary: how they were made; JSON.
    """
    placed = list(placed_clips(rows, features_of, "cepstra"))
    width = features_of(placed[0])["cepstra"].shape[1]
    last = placed[-1]
    frames, samples = last.frame_start + last.frames, last.sample_start + last.samples
    shapes = {"samples": (samples,), "cepstra": (frames, width), "symbols": (frames,)}

    def parts_of(row: StoredClip) -> Iterator[tuple[str, int, NDArray[Any]]]:
        made = features_of(row)
        yield "samples", row.sample_start, made["samples"]
        yield "cepstra", row.frame_start, made["cepstra"]
        yield "symbols", row.frame_start, made["symbols"]

    write_flat_store(target, ClipStore, placed, shapes, parts_of, lambda arrays: summary)
