"""What the recogniser learns from, on disk: flat arrays of mel frames, segments and tones, and an index.

``mel.npy`` float16 [frames, n_mels], not normalised; ``pitch.npy`` float16 [frames] Hz, 0 where unvoiced, of
Mandarin alone (the others' is not needed); ``segments.npy`` int16 (places in ``store.json``'s
segments), ``tones.npy`` int8; ``index.csv`` one row an utterance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.auxiliaries.recogniser.labels import Labels
from components.core.utterance import Language
from components.features.placed_store import Place, PlacedStore, counted, placed, write_placed
from components.features.scratch import Features

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


class ReferenceStore(PlacedStore[Row]):
    """Reads a store; ``store.json`` holds analysis, segments and rejections."""

    row_type = Row
    fields = _ARRAYS
    places = MappingProxyType({name: Place(f"{name}_start", f"{name}_count") for name in _ARRAYS})
    format = 2
    remedy = "remove the folder and run make pretrain MODEL=recogniser; it renders what is missing"

    def of_part(self, part: str) -> list[Row]:
        """The utterances of one part, in order of their ids."""
        return [row for row in self.rows if row.part == part]

    def labels(self) -> Labels:
        """The segments that occur, by language."""
        return Labels.among((row.language, self.segments(row)) for row in self.rows)

    def mel(self, row: Row) -> NDArray[np.float32]:
        """[T, n_mels] natural log."""
        return self.part("mel", row).astype(np.float32)

    def pitch(self, row: Row) -> NDArray[np.float32]:
        """[T] Hz, 0 where unvoiced; all 0 where it was not analysed."""
        track = self.part("pitch", row).astype(np.float32)
        return track if len(track) else np.zeros(row.mel_count, dtype=np.float32)

    def segments(self, row: Row) -> tuple[str, ...]:
        """What is said, in order."""
        names = self._names
        return tuple(names[place] for place in self.part("segments", row))

    def tones(self, row: Row) -> tuple[int, ...]:
        """Mandarin tones in order; none in other languages."""
        return tuple(int(tone) for tone in self.part("tones", row))

    def as_computed(self, row: Row) -> Features:
        """With the segments as strings."""
        return {**self.views(row), "segments": np.array(self.segments(row), dtype=np.str_)}

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(self.summary["segments"])


def write_reference_store(
    target: Path, rows: Sequence[Row], heard_of: Callable[[Row], Features], summary: Mapping[str, Any]
) -> None:
    """Write a store atomically; memory holds one utterance at a time.

    Args:
        rows: sorted by id; offsets are filled in here.
        heard_of: mel, segments (as strings) and tones of a row. Called twice a row.
        summary: what the reader should know; segments are added.
    """
    names: set[str] = set()

    def noted(row: Row) -> Row:
        heard = heard_of(row)
        names.update(map(str, heard["segments"]))
        return counted(ReferenceStore, row, heard)

    ordered = placed(ReferenceStore, [noted(row) for row in rows])
    segments = sorted(names)
    places = {name: place for place, name in enumerate(segments)}

    def arrays_of(row: Row) -> Features:
        heard = heard_of(row)
        numbers = np.array([places[str(one)] for one in heard["segments"]], dtype=np.int16)
        return {**heard, "segments": numbers}

    write_placed(target, ReferenceStore, ordered, arrays_of, lambda arrays: {**summary, "segments": segments})
