"""What RVC learns from: slices with samples, f0 and content features, memory-mapped one after the other.

A slice of n features (20 ms each) has 2 n frames of f0 and 2 n hops of samples, so one offset places all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
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
from components.features.store import PitchStatistics
from components.features.store_writer import pitch_statistics
from components.models.rvc.params import FRAMES_PER_FEATURE

INDEX_NAME, SUMMARY_NAME = "index.csv", "store.json"
_FORMAT = 1
_FULL_SCALE = 32767
_TYPES = {"content": np.float16, "f0": np.float32, "samples": np.int16}
_NUMBERS = ("start", "features")


@dataclass(frozen=True)
class StoredSlice:
    """One row of the index.

    Attributes:
        slice_id: the utterance's id and the number of the slice in it.
        fingerprint: of the utterance's audio, the analysis and the encoder.
        start: in features, into the flat arrays.
        features: how many.
    """

    slice_id: str
    corpus: str
    speaker_id: str
    language: str
    split: str
    consent: str
    fingerprint: str
    start: int
    features: int

    @property
    def frame_start(self) -> int:
        """First frame of f0."""
        return FRAMES_PER_FEATURE * self.start

    @property
    def frames(self) -> int:
        """Frames of f0, and hops of samples."""
        return FRAMES_PER_FEATURE * self.features


_COLUMNS = tuple(field.name for field in fields(StoredSlice))


class SliceStore:
    """Reads a store: ``index.csv``, ``store.json`` and one flat array a field."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def rows(self) -> tuple[StoredSlice, ...]:
        """The index, sorted by utterance.

        Raises:
            CorruptFileError: missing, or not the index of these arrays.
        """
        try:
            rows = tuple(_typed(cells) for _, cells in records(self.folder / INDEX_NAME, _COLUMNS))
        except (DataError, ValueError) as error:
            raise self._corrupt("a readable index.csv", str(error)) from error
        found = {name: len(array) for name, array in self._arrays.items()}
        if found != _lengths(sum(row.features for row in rows), self.hop_length):
            raise self._corrupt(f"{sum(row.features for row in rows)} features", str(found))
        return rows

    @cached_property
    def by_fingerprint(self) -> dict[str, list[StoredSlice]]:
        """Fingerprint of an utterance → its slices."""
        grouped: dict[str, list[StoredSlice]] = {}
        for row in self.rows:
            grouped.setdefault(row.fingerprint, []).append(row)
        return grouped

    @cached_property
    def summary(self) -> Mapping[str, Any]:
        """``store.json``: format, analysis, encoder, speakers, rejected."""
        try:
            values: dict[str, Any] = json.loads((self.folder / SUMMARY_NAME).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._corrupt("a readable store.json", str(error)) from error
        if values.get("format") != _FORMAT:
            raise self._corrupt(f"format {_FORMAT}", f"format {values.get('format')}")
        return values

    @property
    def hop_length(self) -> int:
        """Samples to a frame."""
        return int(self.summary["analysis"]["mel"]["hop_length"])

    @property
    def speakers(self) -> dict[str, PitchStatistics]:
        """Speaker id → statistics of ln f0, sorted."""
        return {name: PitchStatistics(**values) for name, values in sorted(self.summary["speakers"].items())}

    @property
    def consents(self) -> dict[str, str]:
        """Speaker id → id of the consent record of its first recording."""
        return {row.speaker_id: row.consent for row in reversed(self.rows)}

    def views(self, row: StoredSlice, first: int = 0, count: int | None = None) -> Features:
        """Views of features [first, first + count) of a slice and what belongs to them.

        Returns:
            content [n, D] float16, f0 [2 n] Hz with 0 where unvoiced, samples [2 n · hop] int16.
        """
        start = row.start + first
        stop = row.start + row.features if count is None else start + count
        steps = {"content": 1, "f0": FRAMES_PER_FEATURE, "samples": FRAMES_PER_FEATURE * self.hop_length}
        return {name: self._arrays[name][start * step : stop * step] for name, step in steps.items()}

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
            action="run the features stage again; it recomputes what is missing",
        )


def as_pcm(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """[-1, 1] → 16 bits, clipped."""
    return (np.clip(samples, -1.0, 1.0) * _FULL_SCALE).round().astype(np.int16)


def as_samples(pcm: NDArray[np.int16]) -> NDArray[np.float32]:
    """16 bits → [-1, 1]."""
    return pcm.astype(np.float32) / np.float32(_FULL_SCALE)


def write_slices(
    target: Path,
    rows: Sequence[StoredSlice],
    features_of: Callable[[StoredSlice], Features],
    summary: Mapping[str, Any],
) -> None:
    """Write a store atomically; an older one there is replaced when the new one is complete.

    Args:
        rows: in order, placed.
        features_of: a row's fields as `SliceStore.views` gives them.
        summary: how they were made, with ``analysis`` and ``encoder``; format and speakers are added.
    """
    hop, width = int(summary["analysis"]["mel"]["hop_length"]), int(summary["encoder"]["dim"])
    lengths = _lengths(rows[-1].start + rows[-1].features, hop)
    shapes = {name: (length, width) if name == "content" else (length,) for name, length in lengths.items()}
    with atomic_folder(target) as folder:
        arrays = {
            name: open_memmap(folder / f"{name}.npy", mode="w+", dtype=kind, shape=shapes[name])
            for name, kind in _TYPES.items()
        }
        for row in rows:
            made = features_of(row)
            for name, step in _lengths(1, hop).items():
                arrays[name][row.start * step : (row.start + row.features) * step] = made[name]
        speakers = pitch_statistics(rows, arrays["f0"])
        for array in arrays.values():
            array.flush()
        cells = (tuple(str(asdict(row)[name]) for name in _COLUMNS) for row in rows)
        write_text(folder / INDEX_NAME, table_text(_COLUMNS, cells))
        told = {name: asdict(values) for name, values in speakers.items()}
        write_json(folder / SUMMARY_NAME, {**summary, "format": _FORMAT, "speakers": told})


def placed(rows: Iterable[StoredSlice]) -> Iterator[StoredSlice]:
    """The same rows, one after the other from 0."""
    start = 0
    for row in rows:
        yield StoredSlice(**{**asdict(row), "start": start})
        start += row.features


def _lengths(features: int, hop: int) -> dict[str, int]:
    frames = FRAMES_PER_FEATURE * features
    return {"content": features, "f0": frames, "samples": frames * hop}


def _typed(cells: Mapping[str, str]) -> StoredSlice:
    return StoredSlice(**{**cells, **{name: int(cells[name]) for name in _NUMBERS}})  # type: ignore[arg-type]
