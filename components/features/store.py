"""The feature store: mel, f0, energy and symbols of utterances (`flat_store`), one index row an utterance.

``store.json`` holds analysis, symbols, per-speaker pitch statistics and rejected utterances.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from components.features.placed_store import FRAMES, SYMBOLS, PlacedStore
from components.features.scratch import Features

#: Field → dtype. Per frame [T(, n_mels)], then per symbol [L].
FRAME_FIELDS = {"mel": np.float32, "f0": np.float32, "energy": np.float32}
SYMBOL_FIELDS = {"symbol_ids": np.int16, "true_durations": np.int32}
#: ``true_durations`` where the corpus does not know when a symbol sounds.
UNKNOWN_DURATION = -1


@dataclass(frozen=True)
class StoredUtterance:
    """One row of the index; offsets are into the flat arrays."""

    utterance_id: str
    corpus: str
    speaker_id: str
    language: str
    split: str
    text: str
    consent: str
    fingerprint: str
    frame_start: int = 0
    frames: int = 0
    symbol_start: int = 0
    symbols: int = 0


@dataclass(frozen=True)
class PitchStatistics:
    """Of a speaker's ln f0 over voiced frames of training utterances (of all, for one without any)."""

    mean: float
    std: float
    voiced_frames: int


@dataclass(frozen=True)
class UtteranceFeatures:
    """Views into the store, nothing is copied. T frames, L symbols.

    Attributes:
        mel: [T, n_mels] natural log.
        f0: [T] Hz, 0 where unvoiced.
        energy: [T] L2 norm of the magnitude frame.
        symbol_ids: [L] places in ``FeatureStore.symbols``.
        true_durations: [L] frames, summing to T, 0 for a symbol shorter than half a frame; all
            `UNKNOWN_DURATION` where the corpus has no times. For comparison, never to learn from.
    """

    mel: NDArray[np.float32]
    f0: NDArray[np.float32]
    energy: NDArray[np.float32]
    symbol_ids: NDArray[np.int16]
    true_durations: NDArray[np.int32]


class FeatureStore(PlacedStore[StoredUtterance]):
    """Reads a store; its rows are sorted by utterance id."""

    row_type = StoredUtterance
    fields = MappingProxyType({**FRAME_FIELDS, **SYMBOL_FIELDS})
    places = MappingProxyType(
        {**dict.fromkeys(FRAME_FIELDS, FRAMES), **dict.fromkeys(SYMBOL_FIELDS, SYMBOLS)}
    )
    format = 3
    remedy = "run the features stage again; it recomputes what is missing"

    @cached_property
    def by_id(self) -> dict[str, StoredUtterance]:
        """Utterance id → row."""
        return {row.utterance_id: row for row in self.rows}

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols that occur, sorted; ``symbol_ids`` point into it."""
        return tuple(self.summary["symbols"])

    @property
    def consents(self) -> dict[str, str]:
        """Speaker id → id of the consent record of its first recording."""
        return {row.speaker_id: row.consent for row in reversed(self.rows)}

    @property
    def speakers(self) -> dict[str, PitchStatistics]:
        """Speaker id → pitch statistics."""
        return {name: PitchStatistics(**values) for name, values in self.summary["speakers"].items()}

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, utterance_id: str) -> UtteranceFeatures:
        """Views of one utterance.

        Raises:
            KeyError: it is not in the store.
        """
        return UtteranceFeatures(**self.views(self.by_id[utterance_id]))

    def as_computed(self, row: StoredUtterance) -> Features:
        """With ``symbols`` as strings."""
        return {**self.views(row), "symbols": self._names[self.part("symbol_ids", row)]}

    def standardised_pitch(self, utterance_id: str) -> NDArray[np.float32]:
        """[T] ln f0 of each frame in standard deviations from its speaker's mean; 0 where unvoiced."""
        row = self.by_id[utterance_id]
        speaker, pitch = self._speakers[row.speaker_id], self.views(row)["f0"]
        voiced = pitch > 0
        log_f0 = np.log(pitch, out=np.zeros(len(pitch), np.float32), where=voiced)
        return np.where(voiced, (log_f0 - speaker.mean) / speaker.std, 0.0).astype(np.float32)

    @cached_property
    def _names(self) -> NDArray[np.str_]:
        return np.array(self.symbols)

    @cached_property
    def _speakers(self) -> dict[str, PitchStatistics]:
        return self.speakers
