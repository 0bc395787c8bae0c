"""Writes a feature store: a pure function of its rows and their features, whatever was computed when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from components.features.flat_store import Arrays
from components.features.placed_store import counted, placed, write_placed
from components.features.scratch import Features
from components.features.store import (
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
    names: set[str] = set()

    def noted(row: StoredUtterance) -> StoredUtterance:
        features = features_of(row)
        names.update(map(str, features["symbols"]))
        return counted(FeatureStore, row, {**features, "symbol_ids": features["symbols"]})

    ordered = placed(FeatureStore, [noted(row) for row in rows])
    symbols = sorted(names)
    places = {symbol: place for place, symbol in enumerate(symbols)}

    def arrays_of(row: StoredUtterance) -> Features:
        features = features_of(row)
        return {**features, "symbol_ids": np.array([places[str(symbol)] for symbol in features["symbols"]])}

    def summary_of(arrays: Arrays) -> dict[str, Any]:
        speakers = pitch_statistics(ordered, arrays["f0"])
        return {
            "analysis": analysis,
            "symbols": symbols,
            "speakers": {name: asdict(speaker) for name, speaker in speakers.items()},
            "rejected": rejected,
            "utterances": len(ordered),
            "frames": len(arrays["f0"]),
        }

    write_placed(target, FeatureStore, ordered, arrays_of, summary_of)


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
    by_speaker: dict[str, list[Placed]] = defaultdict(list)
    for row in rows:
        by_speaker[row.speaker_id].append(row)
    statistics = {}
    for speaker, own in sorted(by_speaker.items()):
        chosen = [row for row in own if row.split == "train"] or own
        pitches = np.concatenate([f0[r.frame_start : r.frame_start + r.frames] for r in chosen])
        logs = np.log(pitches[pitches > 0], dtype=np.float64)
        # A voice on one note has no spread to divide by; 1 leaves its symbols at the mean.
        spread = float(np.std(logs)) or 1.0
        statistics[speaker] = PitchStatistics(float(np.mean(logs)), spread, len(logs))
    return statistics
