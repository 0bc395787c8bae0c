"""What the vocoder learns from: clips with samples, mel and f0, memory-mapped one after the other."""

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
from components.core.storage import atomic_folder, write_json, write_text
from components.data.csv_table import records, table_text
from components.features.scratch import Features

INDEX_NAME, SUMMARY_NAME = "index.csv", "store.json"
_FULL_SCALE = 32767
_TYPES = {"samples": np.int16, "mel": np.float32, "f0": np.float32}
_NUMBERS = ("sample_start", "samples", "frame_start", "frames")


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
        if found != {"samples": samples, "mel": frames, "f0": frames}:
            raise self._corrupt(f"{frames} frames and {samples} samples", str(found))
        return rows

    @cached_property
    def summary(self) -> Mapping[str, Any]:
        """``store.json``: the analyses of mel and pitch that the clips were made with."""
        try:
            values: dict[str, Any] = json.loads((self.folder / SUMMARY_NAME).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._corrupt("a readable store.json", str(error)) from error
        return values

    def spread(self, split: str, count: int) -> list[StoredClip]:
        """At most ``count`` unchanged clips of a split, evenly spread over the index: over all speakers."""
        rows = [row for row in self.rows if row.split == split and not row.is_copy]
        step = max(1, math.ceil(len(rows) / count))
        return rows[::step]

    def fields(self, row: StoredClip) -> Features:
        """Views: samples [N] int16, mel [T, n_mels], f0 [T] Hz with 0 where unvoiced."""
        frames = slice(row.frame_start, row.frame_start + row.frames)
        samples = slice(row.sample_start, row.sample_start + row.samples)
        arrays = self._arrays
        return {
            "samples": arrays["samples"][samples],
            "mel": arrays["mel"][frames],
            "f0": arrays["f0"][frames],
        }

    def waveform(self, row: StoredClip) -> NDArray[np.float32]:
        """[N] in [-1, 1]."""
        samples: NDArray[np.float32] = self.fields(row)["samples"].astype(np.float32)
        return samples / np.float32(_FULL_SCALE)

    @cached_property
    def _arrays(self) -> Mapping[str, NDArray[Any]]:
        try:
            return {name: np.load(self.folder / f"{name}.npy", mmap_mode="r") for name in _TYPES}
        except (OSError, ValueError) as error:
            raise self._corrupt("every array of the store", str(error)) from error

    def _corrupt(self, expected: str, found: str) -> CorruptFileError:
        return CorruptFileError(
            who=str(self.folder),
            expected=expected,
            found=found,
            action="delete the folder and run `make pretrain MODEL=vocoder` again",
        )


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
        features_of: a row's fields, as `ClipStore.fields` gives them. Called twice a row.
        summary: how they were made; JSON.
    """
    placed = list(_placed(rows, features_of))
    bands = features_of(placed[0])["mel"].shape[1]
    last = placed[-1]
    frames, samples = last.frame_start + last.frames, last.sample_start + last.samples
    shapes: dict[str, tuple[int, ...]] = {"samples": (samples,), "mel": (frames, bands), "f0": (frames,)}
    with atomic_folder(target) as folder:
        arrays = {
            name: open_memmap(folder / f"{name}.npy", mode="w+", dtype=kind, shape=shapes[name])
            for name, kind in _TYPES.items()
        }
        for row in placed:
            made = features_of(row)
            arrays["samples"][row.sample_start : row.sample_start + row.samples] = made["samples"]
            arrays["mel"][row.frame_start : row.frame_start + row.frames] = made["mel"]
            arrays["f0"][row.frame_start : row.frame_start + row.frames] = made["f0"]
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
        frames, samples = len(made["f0"]), len(made["samples"])
        yield replace(row, frame_start=frame, frames=frames, sample_start=sample, samples=samples)
        frame, sample = frame + frames, sample + samples


def _typed(cells: Mapping[str, str]) -> StoredClip:
    numbers = {name: int(cells[name]) for name in _NUMBERS}
    return StoredClip(**{**cells, **numbers})  # type: ignore[arg-type]
