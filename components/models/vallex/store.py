"""What VALL-E X learns from: codes and symbols of utterances, memory-mapped one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.features.flat_store import FlatStore, write_flat_store
from components.features.scratch import Features

_TYPES = {"codes": np.int16, "symbols": np.int16, "durations": np.float32}


@dataclass(frozen=True)
class StoredSpeech:
    """One row of the index; offsets are into the flat arrays.

    Attributes:
        utterance_id, speaker_id, language, split, consent: the utterance's.
        fingerprint: of audio, text and codec.
    """

    utterance_id: str
    speaker_id: str
    language: str
    split: str
    consent: str
    fingerprint: str
    frame_start: int = 0
    frames: int = 0
    symbol_start: int = 0
    symbols: int = 0


class CodeStore(FlatStore[StoredSpeech]):
    """Reads a store; rows are sorted by utterance. ``store.json`` holds the codec and the symbols' names."""

    row_type = StoredSpeech
    fields = _TYPES
    format = 2
    remedy = "run the features stage again; it recomputes what is missing"

    def lengths(self, rows: Sequence[StoredSpeech]) -> dict[str, int]:
        """Frames and symbols of all rows."""
        symbols = sum(row.symbols for row in rows)
        return {"codes": sum(row.frames for row in rows), "symbols": symbols, "durations": symbols}

    @cached_property
    def by_fingerprint(self) -> dict[str, StoredSpeech]:
        """Fingerprint → row."""
        return {row.fingerprint: row for row in self.rows}

    @property
    def consents(self) -> dict[str, str]:
        """Speaker id → id of the consent record of its first recording."""
        return {row.speaker_id: row.consent for row in reversed(self.rows)}

    @property
    def speakers(self) -> tuple[str, ...]:
        """Ids, sorted."""
        return tuple(sorted({row.speaker_id for row in self.rows}))

    def views(self, row: StoredSpeech) -> Features:
        """Views: codes [T, Q]; symbols [L], numbers of the inventory in ``store.json``; durations [L], frames
        of codes of each symbol, T in sum."""
        of_symbols = slice(row.symbol_start, row.symbol_start + row.symbols)
        return {
            "codes": self.arrays["codes"][row.frame_start : row.frame_start + row.frames],
            "symbols": self.arrays["symbols"][of_symbols],
            "durations": self.arrays["durations"][of_symbols],
        }


def write_codes(
    target: Path,
    rows: Sequence[StoredSpeech],
    features_of: Callable[[StoredSpeech], Features],
    summary: Mapping[str, Any],
) -> None:
    """Write a store atomically; an older one there is replaced when the new one is complete.

    Args:
        rows: sorted; their offsets are filled in here.
        features_of: a row's fields, as `CodeStore.views` gives them. Called twice a row.
        summary: how they were made, with ``codec`` and ``symbols``.
    """
    placed: list[StoredSpeech] = []
    frame = symbol = 0
    for row in rows:
        made = features_of(row)
        frames, symbols = len(made["codes"]), len(made["symbols"])
        placed.append(replace(row, frame_start=frame, frames=frames, symbol_start=symbol, symbols=symbols))
        frame, symbol = frame + frames, symbol + symbols
    books = features_of(placed[0])["codes"].shape[1]

    def parts_of(row: StoredSpeech) -> Iterator[tuple[str, int, NDArray[Any]]]:
        made = features_of(row)
        yield "codes", row.frame_start, made["codes"]
        yield "symbols", row.symbol_start, made["symbols"]
        yield "durations", row.symbol_start, made["durations"]

    shapes: dict[str, tuple[int, ...]] = {
        "codes": (frame, books),
        "symbols": (symbol,),
        "durations": (symbol,),
    }
    write_flat_store(target, CodeStore, placed, shapes, parts_of, lambda arrays: summary)
