"""Stores whose rows lie one after the other in every array, each array's part told by two columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from numpy.typing import NDArray

from components.features.flat_store import Arrays, FlatStore, write_flat_store
from components.features.scratch import Features

#: A dataclass whose first column is its id, with a ``fingerprint`` and the columns of its store's places.
Row = TypeVar("Row", bound=Any)


@dataclass(frozen=True)
class Place:
    """The columns of an index that tell where a row's part of an array begins, and how long it is."""

    start: str
    count: str


SAMPLES = Place("sample_start", "samples")
FRAMES = Place("frame_start", "frames")
SYMBOLS = Place("symbol_start", "symbols")


class PlacedStore(FlatStore[Row]):
    """Reads such a store.

    Attributes:
        places: name of each array → its place; arrays of one place are of one length.
    """

    places: ClassVar[Mapping[str, Place]]

    def lengths(self, rows: Sequence[Row]) -> dict[str, int]:
        """What the index counts."""
        return {name: sum(getattr(row, place.count) for row in rows) for name, place in self.places.items()}

    @cached_property
    def by_fingerprint(self) -> dict[str, Row]:
        """Fingerprint of all that a row follows from → row."""
        return {row.fingerprint: row for row in self.rows}

    def part(self, name: str, row: Row) -> NDArray[Any]:
        """A row's part of an array, a view."""
        place = self.places[name]
        start = getattr(row, place.start)
        return self.arrays[name][start : start + getattr(row, place.count)]

    def views(self, row: Row) -> Features:
        """Array → the row's part of it."""
        return {name: self.part(name, row) for name in self.places}

    def as_computed(self, row: Row) -> Features:
        """A row as it was before it was stored, to be stored again: its views, if no store says otherwise."""
        return self.views(row)


def counted(store: type[PlacedStore[Row]], row: Row, made: Features) -> Row:
    """The row with the lengths of what was made of it."""
    counts = {place.count: len(made[name]) for name, place in store.places.items()}
    counted_row: Row = replace(row, **counts)
    return counted_row


def placed(store: type[PlacedStore[Row]], rows: Sequence[Row]) -> list[Row]:
    """The same rows, counted before, with their starts: one after the other from 0."""
    found: list[Row] = []
    ends = dict.fromkeys(store.places.values(), 0)
    for row in rows:
        found.append(replace(row, **{place.start: end for place, end in ends.items()}))
        ends = {place: end + getattr(row, place.count) for place, end in ends.items()}
    return found


def write_counting(
    target: Path,
    store: type[PlacedStore[Row]],
    rows: Sequence[Row],
    features_of: Callable[[Row], Features],
    summary: Mapping[str, Any],
) -> None:
    """Write a store of rows whose counts are not known yet; ``features_of`` is called twice a row.

    Args:
        rows: sorted; at least one.
        summary: ``store.json``.
    """
    ordered = placed(store, [counted(store, row, features_of(row)) for row in rows])
    write_placed(target, store, ordered, features_of, lambda arrays: summary)


def write_placed(
    target: Path,
    store: type[PlacedStore[Row]],
    rows: Sequence[Row],
    features_of: Callable[[Row], Features],
    summary_of: Callable[[Arrays], Mapping[str, Any]],
) -> None:
    """Write a store atomically. Memory holds one row at a time.

    Args:
        target: folder; an older store there is replaced when the new one is complete.
        store: who will read it.
        rows: sorted, as `placed` gave them; at least one.
        features_of: a row's part of each array.
        summary_of: the finished arrays → ``store.json``.
    """
    last, example = rows[-1], features_of(rows[0])
    shapes = {
        name: (getattr(last, place.start) + getattr(last, place.count), *example[name].shape[1:])
        for name, place in store.places.items()
    }

    def parts_of(row: Row) -> Iterator[tuple[str, int, NDArray[Any]]]:
        made = features_of(row)
        for name, place in store.places.items():
            yield name, getattr(row, place.start), made[name]

    write_flat_store(target, store, rows, shapes, parts_of, summary_of)
