"""What VALL-E X learns from: codes and symbols of utterances, memory-mapped one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from components.features.placed_store import FRAMES, SYMBOLS, PlacedStore


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


class CodeStore(PlacedStore[StoredSpeech]):
    """Reads a store; rows are sorted by utterance. ``store.json`` holds the codec and the symbols' names.

    Views: codes [T, Q]; symbols [L], numbers of the inventory in ``store.json``; durations [L], frames of
    codes of each symbol, T in sum.
    """

    row_type = StoredSpeech
    fields = MappingProxyType({"codes": np.int16, "symbols": np.int16, "durations": np.float32})
    places = MappingProxyType({"codes": FRAMES, "symbols": SYMBOLS, "durations": SYMBOLS})
    format = 2
    remedy = "run the features stage again; it recomputes what is missing"

    @property
    def consents(self) -> dict[str, str]:
        """Speaker id → id of the consent record of its first recording."""
        return {row.speaker_id: row.consent for row in reversed(self.rows)}

    @property
    def speakers(self) -> tuple[str, ...]:
        """Ids, sorted."""
        return tuple(sorted({row.speaker_id for row in self.rows}))
