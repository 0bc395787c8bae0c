"""A few big memory-mapped arrays and an index of who lies where in them: the form of everything learned from.

A folder with ``<field>.npy`` (flat, all rows one after the other), ``index.csv`` (one line a row) and
``store.json`` (whatever else the reader must know).
"""

from __future__ import annotations

import dataclasses
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import DTypeLike, NDArray

from components.core.errors import CorruptFileError, DataError
from components.core.storage import atomic_folder, write_json, write_text
from components.data.csv_table import records, table_text

INDEX_NAME, SUMMARY_NAME = "index.csv", "store.json"

Row = TypeVar("Row")
Arrays = Mapping[str, NDArray[Any]]


class FlatStore(ABC, Generic[Row]):
    """Reads a store. Pickles as its folder, so data loader workers map the same pages.

    Attributes:
        row_type: a dataclass of str and int fields, the columns of the index.
        fields: name of each array → its dtype.
        format: of ``store.json``; a store of another one is refused.
        remedy: what to do about a store that cannot be read.
    """

    row_type: ClassVar[type]
    fields: ClassVar[Mapping[str, DTypeLike]]
    format: ClassVar[int]
    remedy: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getstate__(self) -> dict[str, Path]:
        """Only the folder travels to another process."""
        return {"folder": self.folder}

    @classmethod
    def earlier(cls, folder: Path) -> Self | None:
        """The store of an earlier run, to take from; None where there is none, or it has to be made anew."""
        store = cls(folder)
        try:
            return store if store.rows and store.summary else None
        except CorruptFileError:
            return None

    @abstractmethod
    def lengths(self, rows: Sequence[Row]) -> Mapping[str, int]:
        """How long each array must be for these rows."""

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The index, in its order.

        Raises:
            CorruptFileError: missing, unreadable, or not the index of these arrays.
        """
        kind, path = self.row_type, self.folder / INDEX_NAME
        try:
            rows = tuple(_typed(kind, cells) for _, cells in records(path, columns(kind)))
        except (DataError, ValueError) as error:
            raise self._corrupt("a readable index.csv", str(error)) from error
        wanted = dict(self.lengths(rows))
        found = {name: len(array) for name, array in self.arrays.items()}
        if found != wanted:
            raise self._corrupt(f"arrays as long as the index says: {wanted}", str(found))
        return rows

    @cached_property
    def summary(self) -> Mapping[str, Any]:
        """``store.json``.

        Raises:
            CorruptFileError: missing, unreadable, or of another format.
        """
        try:
            values: dict[str, Any] = json.loads((self.folder / SUMMARY_NAME).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._corrupt("a readable store.json", str(error)) from error
        if values.get("format") != self.format:
            raise self._corrupt(f"format {self.format}", f"format {values.get('format')}")
        return values

    @cached_property
    def arrays(self) -> Arrays:
        """Name → the whole array, mapped.

        Raises:
            CorruptFileError: one is missing or unreadable.
        """
        try:
            return {name: np.load(self.folder / f"{name}.npy", mmap_mode="r") for name in self.fields}
        except (OSError, ValueError) as error:
            raise self._corrupt("every array of the store", str(error)) from error

    def _corrupt(self, expected: str, found: str) -> CorruptFileError:
        return CorruptFileError(who=str(self.folder), expected=expected, found=found, action=self.remedy)


def nothing_usable(who: str, wanted: str, selected: int, rejected: Mapping[str, str]) -> DataError:
    """The error of a store that would be empty.

    Args:
        who: whose store.
        wanted: what one at least was needed of.
        selected: rows that were looked at.
        rejected: id → reason.
    """
    return DataError(
        who=who,
        expected=f"at least one {wanted}",
        found=f"{selected} selected, {len(rejected)} of them rejected",
        action="see the reasons below, and the corpora named in data.corpora",
        details=[f"{name}: {reason}" for name, reason in sorted(rejected.items())],
    )


def columns(row_type: type) -> tuple[str, ...]:
    """The columns of an index of such rows."""
    return tuple(field.name for field in dataclasses.fields(row_type))


def write_flat_store(
    target: Path,
    store: type[FlatStore[Row]],
    rows: Sequence[Row],
    shapes: Mapping[str, tuple[int, ...]],
    parts_of: Callable[[Row], Iterable[tuple[str, int, NDArray[Any]]]],
    summary_of: Callable[[Arrays], Mapping[str, Any]],
) -> None:
    """Write a store atomically. Memory holds one row's arrays at a time.

    Args:
        target: folder; an older store there is replaced when the new one is complete.
        store: who will read it: its fields and format.
        rows: in the order of the index, with their offsets.
        shapes: of each array.
        parts_of: a row's values, each with the array it belongs to and where it begins there.
        summary_of: the finished arrays → ``store.json``; the format is added.
    """
    with atomic_folder(target) as folder:
        arrays = {
            name: _empty(folder / f"{name}.npy", kind, shapes[name]) for name, kind in store.fields.items()
        }
        for row in rows:
            for name, start, values in parts_of(row):
                arrays[name][start : start + len(values)] = values
        summary = summary_of(arrays)
        for array in arrays.values():
            if isinstance(array, np.memmap):
                array.flush()
        names = columns(store.row_type)
        write_text(
            folder / INDEX_NAME,
            table_text(names, (tuple(str(getattr(row, name)) for name in names) for row in rows)),
        )
        write_json(folder / SUMMARY_NAME, {**summary, "format": store.format})


def _empty(path: Path, kind: DTypeLike, shape: tuple[int, ...]) -> NDArray[Any]:
    if shape[0] == 0:  # a memory map of nothing cannot be made
        nothing: NDArray[Any] = np.zeros(shape, kind)
        np.save(path, nothing)
        return nothing
    made: NDArray[Any] = open_memmap(path, mode="w+", dtype=kind, shape=shape)
    return made


def _typed(row_type: type, cells: Mapping[str, str]) -> Any:
    numbers = {field.name for field in dataclasses.fields(row_type) if field.type in (int, "int")}
    return row_type(**{name: int(cell) if name in numbers else cell for name, cell in cells.items()})
