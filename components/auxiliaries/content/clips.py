"""What the content encoder learns from: samples, cepstra and, where known, symbols; memory-mapped."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from components.core.errors import CorruptFileError, DataError
from components.core.storage import atomic_folder, sha256_path, write_json, write_text
from components.data.csv_table import records, table_text
from components.features.scratch import Features

INDEX_NAME, SUMMARY_NAME = "index.csv", "store.json"
_FULL_SCALE = 32767
_NUMBERS = ("sample_start", "samples", "frame_start", "frames")
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


_COLUMNS = tuple(field.name for field in fields(StoredClip))


class ClipStore:
    """Reads a store: ``index.csv`` and one flat array a field."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def rows(self) -> tuple[StoredClip, ...]:
        """The index, sorted by clip id.

        Raises:
            CorruptFileError: missing, or not the index of these arrays.
        """
        try:
            rows = tuple(_typed(cells) for _, cells in records(self.folder / INDEX_NAME, _COLUMNS))
        except (DataError, ValueError) as error:
            raise self._corrupt("a readable index.csv", str(error)) from error
        frames, samples = sum(row.frames for row in rows), sum(row.samples for row in rows)
        found = {name: len(array) for name, array in self._arrays.items()}
        if found != {"samples": samples, "cepstra": frames, "symbols": frames}:
            raise self._corrupt(f"{frames} frames and {samples} samples", str(found))
        return rows

    @cached_property
    def summary(self) -> Mapping[str, Any]:
        """``store.json``: how the clips were made, and ``symbols``, the names behind their numbers."""
        try:
            values: dict[str, Any] = json.loads((self.folder / SUMMARY_NAME).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._corrupt("a readable store.json", str(error)) from error
        return values

    @cached_property
    def sha256(self) -> str:
        """Of the index, whose fingerprints stand for all the arrays hold."""
        return sha256_path(self.folder / INDEX_NAME)

    def of_split(self, *splits: str) -> list[StoredClip]:
        """The clips of these splits, in index order."""
        return [row for row in self.rows if row.split in splits]

    def waveform(self, row: StoredClip) -> NDArray[np.float32]:
        """[N] in [-1, 1]."""
        part = self._arrays["samples"][row.sample_start : row.sample_start + row.samples]
        return part.astype(np.float32) / np.float32(_FULL_SCALE)

    def cepstra(self, row: StoredClip) -> NDArray[np.float32]:
        """[T, 3 · coefficients], a view."""
        part: NDArray[np.float32] = self._arrays["cepstra"][row.frame_start : row.frame_start + row.frames]
        return part

    def symbols(self, row: StoredClip) -> NDArray[np.int16]:
        """[T] number of the symbol that sounds in the middle of each frame, `NO_SYMBOL` where not known."""
        part: NDArray[np.int16] = self._arrays["symbols"][row.frame_start : row.frame_start + row.frames]
        return part

    @cached_property
    def _arrays(self) -> Mapping[str, NDArray[Any]]:
        try:
            names = ("samples", "cepstra", "symbols")
            return {name: np.load(self.folder / f"{name}.npy", mmap_mode="r") for name in names}
        except (OSError, ValueError) as error:
            raise self._corrupt("every array of the store", str(error)) from error

    def _corrupt(self, expected: str, found: str) -> CorruptFileError:
        return CorruptFileError(
            who=str(self.folder),
            expected=expected,
            found=found,
            action="delete the folder and run `make pretrain MODEL=content` again",
        )


def spread(rows: Sequence[StoredClip], count: int) -> list[StoredClip]:
    """At most ``count`` of the rows, evenly spread: over all speakers, the index being sorted."""
    return list(rows[:: max(1, math.ceil(len(rows) / count))])


def as_pcm(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """[-1, 1] → 16 bits, clipped."""
    return (np.clip(samples, -1.0, 1.0) * _FULL_SCALE).round().astype(np.int16)


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
    placed = list(_placed(rows, features_of))
    width = features_of(placed[0])["cepstra"].shape[1]
    last = placed[-1]
    frames, samples = last.frame_start + last.frames, last.sample_start + last.samples
    kinds: dict[str, tuple[type, tuple[int, ...]]] = {
        "samples": (np.int16, (samples,)),
        "cepstra": (np.float32, (frames, width)),
        "symbols": (np.int16, (frames,)),
    }
    with atomic_folder(target) as folder:
        arrays = {
            name: open_memmap(folder / f"{name}.npy", mode="w+", dtype=kind, shape=shape)
            for name, (kind, shape) in kinds.items()
        }
        for row in placed:
            made = features_of(row)
            arrays["samples"][row.sample_start : row.sample_start + row.samples] = made["samples"]
            for name in ("cepstra", "symbols"):
                arrays[name][row.frame_start : row.frame_start + row.frames] = made[name]
        for array in arrays.values():
            array.flush()
        cells = (tuple(str(asdict(row)[name]) for name in _COLUMNS) for row in placed)
        write_text(folder / INDEX_NAME, table_text(_COLUMNS, cells))
        write_json(folder / SUMMARY_NAME, dict(summary))


def _placed(
    rows: Sequence[StoredClip], features_of: Callable[[StoredClip], Features]
) -> Iterator[StoredClip]:
    frame = sample = 0
    for row in rows:
        made = features_of(row)
        frames, samples = len(made["cepstra"]), len(made["samples"])
        yield replace(row, frame_start=frame, frames=frames, sample_start=sample, samples=samples)
        frame, sample = frame + frames, sample + samples


def _typed(cells: Mapping[str, str]) -> StoredClip:
    numbers = {name: int(cells[name]) for name in _NUMBERS}
    return StoredClip(**{**cells, **numbers})  # type: ignore[arg-type]
