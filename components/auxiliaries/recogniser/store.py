"""What the recogniser learns from, on disk: flat arrays of mel frames, segments and tones, and an index.

``mel.npy`` float16 [frames, n_mels], not normalised; ``pitch.npy`` float16 [frames] Hz, 0 where unvoiced, of
Mandarin alone (the others' is not needed); ``segments.npy`` int16 (places in ``store.json``'s
segments), ``tones.npy`` int8; ``index.csv`` one row an utterance.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from components.auxiliaries.recogniser.labels import Labels
from components.core.errors import CorruptFileError, DataError
from components.core.storage import atomic_folder, write_json, write_text
from components.core.utterance import Language
from components.data.csv_table import records, table_text

_FORMAT = 2
_INDEX, _SUMMARY = "index.csv", "store.json"
_ARRAYS = {"mel": np.float16, "pitch": np.float16, "segments": np.int16, "tones": np.int8}


@dataclass(frozen=True)
class Row:
    """One utterance; offsets are into the flat arrays."""

    utterance_id: str
    part: str
    language: Language
    variant: str
    text: str
    fingerprint: str
    mel_start: int = 0
    mel_count: int = 0
    pitch_start: int = 0
    pitch_count: int = 0
    segments_start: int = 0
    segments_count: int = 0
    tones_start: int = 0
    tones_count: int = 0


COLUMNS = tuple(Row.__dataclass_fields__)
_NUMBERS = COLUMNS[6:]

Heard = Mapping[str, NDArray[Any]]


class ReferenceStore:
    """Reads a store. Pickles as its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getstate__(self) -> dict[str, Path]:
        """Only the folder travels to another process."""
        return {"folder": self.folder}

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The index.

        Raises:
            CorruptFileError: missing, unreadable, or not the index of these arrays.
        """
        try:
            rows = tuple(_row(cells) for _, cells in records(self.folder / _INDEX, COLUMNS))
        except (DataError, ValueError) as error:
            raise self._corrupt("a readable index.csv", str(error)) from error
        for name, array in self._arrays.items():
            wanted = sum(getattr(row, f"{name}_count") for row in rows)
            if len(array) != wanted:
                raise self._corrupt(f"{wanted} entries in {name}.npy", str(len(array)))
        return rows

    @cached_property
    def summary(self) -> Mapping[str, Any]:
        """Analysis, segments and rejections.

        Raises:
            CorruptFileError: missing or unreadable.
        """
        try:
            summary: dict[str, Any] = json.loads((self.folder / _SUMMARY).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._corrupt("a readable store.json", str(error)) from error
        if summary.get("format") != _FORMAT:
            raise self._corrupt(f"format {_FORMAT}", f"{summary.get('format')}")
        return summary

    def of_part(self, part: str) -> list[Row]:
        """The utterances of one part, in order of their ids."""
        return [row for row in self.rows if row.part == part]

    def labels(self) -> Labels:
        """The segments that occur, by language."""
        return Labels.among((row.language, self.segments(row)) for row in self.rows)

    def mel(self, row: Row) -> NDArray[np.float32]:
        """[T, n_mels] natural log."""
        return self._part("mel", row).astype(np.float32)

    def pitch(self, row: Row) -> NDArray[np.float32]:
        """[T] Hz, 0 where unvoiced; all 0 where it was not analysed."""
        track = self._part("pitch", row).astype(np.float32)
        return track if len(track) else np.zeros(row.mel_count, dtype=np.float32)

    def segments(self, row: Row) -> tuple[str, ...]:
        """What is said, in order."""
        names = self._names
        return tuple(names[place] for place in self._part("segments", row))

    def tones(self, row: Row) -> tuple[int, ...]:
        """Mandarin tones in order; none in other languages."""
        return tuple(int(tone) for tone in self._part("tones", row))

    def heard(self, row: Row) -> Heard:
        """A row as `prepare` computed it."""
        segments = np.array(self.segments(row), dtype=np.str_)
        return {name: self._part(name, row) for name in _ARRAYS} | {"segments": segments}

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(self.summary["segments"])

    @cached_property
    def _arrays(self) -> dict[str, NDArray[Any]]:
        try:
            return {name: np.load(self.folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
        except (OSError, ValueError) as error:
            raise self._corrupt("every array of the store", str(error)) from error

    def _part(self, name: str, row: Row) -> NDArray[Any]:
        start = getattr(row, f"{name}_start")
        return self._arrays[name][start : start + getattr(row, f"{name}_count")]

    def _corrupt(self, expected: str, found: str) -> CorruptFileError:
        return CorruptFileError(
            who=str(self.folder),
            expected=expected,
            found=found,
            action="remove the folder and run make pretrain MODEL=recogniser; it renders what is missing",
        )


def write_reference_store(
    target: Path, rows: Sequence[Row], heard_of: Callable[[Row], Heard], summary: Mapping[str, Any]
) -> None:
    """Write a store atomically; memory holds one utterance at a time.

    Args:
        rows: sorted by id; offsets are filled in here.
        heard_of: mel, segments (as strings) and tones of a row. Called twice a row.
        summary: what the reader should know; segments are added.
    """
    placed, names, bands = _placed(rows, heard_of)
    places = {name: place for place, name in enumerate(names)}
    with atomic_folder(target) as folder:
        arrays = {name: _empty(folder, name, placed, bands) for name in _ARRAYS}
        for row in placed:
            heard = heard_of(row)
            numbers = np.array([places[str(one)] for one in heard["segments"]], dtype=np.int16)
            for name, values in {**heard, "segments": numbers}.items():
                start = getattr(row, f"{name}_start")
                arrays[name][start : start + len(values)] = values
        for array in arrays.values():
            if isinstance(array, np.memmap):
                array.flush()
        index = ([str(getattr(row, name)) for name in COLUMNS] for row in placed)
        write_text(folder / _INDEX, table_text(COLUMNS, index))
        write_json(folder / _SUMMARY, {"format": _FORMAT, **summary, "segments": names})


def _placed(rows: Sequence[Row], heard_of: Callable[[Row], Heard]) -> tuple[list[Row], list[str], int]:
    placed: list[Row] = []
    names: set[str] = set()
    ends, bands = dict.fromkeys(_ARRAYS, 0), 0
    for row in rows:
        heard = heard_of(row)
        names.update(map(str, heard["segments"]))
        bands = heard["mel"].shape[1]
        offsets: dict[str, Any] = {}
        for name in _ARRAYS:
            offsets |= {f"{name}_start": ends[name], f"{name}_count": len(heard[name])}
            ends[name] += len(heard[name])
        placed.append(replace(row, **offsets))
    return placed, sorted(names), bands


def _empty(folder: Path, name: str, rows: Sequence[Row], bands: int) -> NDArray[Any]:
    count = sum(getattr(row, f"{name}_count") for row in rows)
    if count == 0:  # a memory map of nothing cannot be made
        np.save(folder / f"{name}.npy", np.zeros(0, _ARRAYS[name]))
        return np.zeros(0, _ARRAYS[name])
    shape = (count, bands) if name == "mel" else (count,)
    return open_memmap(folder / f"{name}.npy", mode="w+", dtype=_ARRAYS[name], shape=shape)


def _row(cells: Mapping[str, str]) -> Row:
    return Row(**{**cells, **{name: int(cells[name]) for name in _NUMBERS}})  # type: ignore[arg-type]
