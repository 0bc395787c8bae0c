"""What the recogniser learns from, on disk: flat arrays of mel frames, segments and tones, and an index.

``mel.npy`` float16 [frames, n_mels], not normalised; ``pitch.npy`` float16 [frames] Hz, 0 where unvoiced, of
Mandarin alone (the others' is not needed); ``segments.npy`` int16 (places in ``store.json``'s
segments), ``tones.npy`` int8; ``index.csv`` one row an utterance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.auxiliaries.recogniser.labels import Labels
from components.core.utterance import Language
from components.features.flat_store import FlatStore, write_flat_store

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


Heard = Mapping[str, NDArray[Any]]


class ReferenceStore(FlatStore[Row]):
    """Reads a store; ``store.json`` holds analysis, segments and rejections."""

    row_type = Row
    fields = _ARRAYS
    format = 2
    remedy = "remove the folder and run make pretrain MODEL=recogniser; it renders what is missing"

    def lengths(self, rows: Sequence[Row]) -> dict[str, int]:
        """Each array's share is counted in the index."""
        return {name: sum(getattr(row, f"{name}_count") for row in rows) for name in _ARRAYS}

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

    def _part(self, name: str, row: Row) -> NDArray[Any]:
        start = getattr(row, f"{name}_start")
        return self.arrays[name][start : start + getattr(row, f"{name}_count")]


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
    counts = {name: sum(getattr(row, f"{name}_count") for row in placed) for name in _ARRAYS}
    shapes = {name: (count, bands) if name == "mel" else (count,) for name, count in counts.items()}

    def parts_of(row: Row) -> Iterator[tuple[str, int, NDArray[Any]]]:
        heard = heard_of(row)
        numbers = np.array([places[str(one)] for one in heard["segments"]], dtype=np.int16)
        for name, values in {**heard, "segments": numbers}.items():
            yield name, getattr(row, f"{name}_start"), values

    write_flat_store(
        target, ReferenceStore, placed, shapes, parts_of, lambda arrays: {**summary, "segments": names}
    )


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
