"""Writes a feature store: a pure function of its rows and their features, whatever was computed when."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from components.features.flat_store import Arrays, write_flat_store
from components.features.scratch import Features
from components.features.store import (
    FRAME_FIELDS,
    SYMBOL_FIELDS,
    FeatureStore,
    PitchStatistics,
    StoredUtterance,
)


def write_store(
    target: Path,
    rows: Sequence[StoredUtterance],
    features_of: Callable[[StoredUtterance], Features],
    analysis: Mapping[str, Any],
    rejected: Mapping[str, str],
) -> None:
    """Write a store atomically. Memory holds one utterance at a time.

    Args:
        target: folder; an older store there is replaced when the new one is complete.
        rows: sorted; their offsets are filled in here.
        features_of: fields of a row as `speech.analyse` gives them (symbols as strings). Called twice a row.
        analysis: how they were made, for the reader.
        rejected: utterance id → reason.
    """
    placed, symbols, bands = _placed(rows, features_of)
    places = {symbol: place for place, symbol in enumerate(symbols)}

    def parts_of(row: StoredUtterance) -> Iterator[tuple[str, int, NDArray[Any]]]:
        features = features_of(row)
        ids = np.array([places[str(symbol)] for symbol in features["symbols"]])
        for name in FRAME_FIELDS:
            yield name, row.frame_start, features[name]
        for name in SYMBOL_FIELDS:
            yield name, row.symbol_start, ids if name == "symbol_ids" else features[name]

    def summary_of(arrays: Arrays) -> dict[str, Any]:
        speakers = pitch_statistics(placed, arrays["f0"])
        return {
            "analysis": analysis,
            "symbols": symbols,
            "speakers": {name: asdict(speaker) for name, speaker in speakers.items()},
            "rejected": rejected,
            "utterances": len(placed),
            "frames": len(arrays["f0"]),
        }

    write_flat_store(target, FeatureStore, placed, _shapes(placed, bands), parts_of, summary_of)


def _placed(
    rows: Sequence[StoredUtterance], features_of: Callable[[StoredUtterance], Features]
) -> tuple[list[StoredUtterance], list[str], int]:
    """Rows with offsets, all symbols sorted, mel bands."""
    placed: list[StoredUtterance] = []
    symbols: set[str] = set()
    frame, symbol, bands = 0, 0, 0
    for row in rows:
        features = features_of(row)
        frames, count = len(features["f0"]), len(features["symbols"])
        placed.append(replace(row, frame_start=frame, frames=frames, symbol_start=symbol, symbols=count))
        symbols.update(map(str, features["symbols"]))
        frame, symbol, bands = frame + frames, symbol + count, features["mel"].shape[1]
    return placed, sorted(symbols), bands


def _shapes(rows: Sequence[StoredUtterance], bands: int) -> dict[str, tuple[int, ...]]:
    frames = rows[-1].frame_start + rows[-1].frames
    symbols = rows[-1].symbol_start + rows[-1].symbols
    return {
        **dict.fromkeys(FRAME_FIELDS, (frames,)),
        **dict.fromkeys(SYMBOL_FIELDS, (symbols,)),
        "mel": (frames, bands),
    }


class Placed(Protocol):
    """A row of an index: whose frames it means."""

    @property
    def speaker_id(self) -> str:
        """Who speaks."""

    @property
    def split(self) -> str:
        """What it may be used for."""

    @property
    def frame_start(self) -> int:
        """First frame."""

    @property
    def frames(self) -> int:
        """How many."""


def pitch_statistics(rows: Sequence[Placed], f0: NDArray[np.float32]) -> dict[str, PitchStatistics]:
    """Over training utterances where the speaker has any, so that nothing held out leaks into training."""
    statistics = {}
    for speaker in sorted({row.speaker_id for row in rows}):
        own = [row for row in rows if row.speaker_id == speaker]
        chosen = [row for row in own if row.split == "train"] or own
        pitches = np.concatenate([f0[r.frame_start : r.frame_start + r.frames] for r in chosen])
        logs = np.log(pitches[pitches > 0], dtype=np.float64)
        # A voice on one note has no spread to divide by; 1 leaves its symbols at the mean.
        spread = float(np.std(logs)) or 1.0
        statistics[speaker] = PitchStatistics(float(np.mean(logs)), spread, len(logs))
    return statistics
