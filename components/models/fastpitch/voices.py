"""Who and what a FastPitch checkpoint can speak."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.features.store import FeatureStore
from components.models.fastpitch.symbol_table import SymbolTable


@dataclass(frozen=True)
class Voices:
    """The numbered inventories of a checkpoint; their order is part of it.

    Attributes:
        symbols: rows of the symbol table.
        speakers: ids, rows of the speaker table.
        languages: rows of the language table.
    """

    symbols: SymbolTable
    speakers: tuple[str, ...]
    languages: tuple[str, ...]

    @classmethod
    def of(cls, store: FeatureStore) -> Voices:
        """The front-end's symbols, and the speakers and languages of a feature store."""
        return cls(
            symbols=SymbolTable.current(),
            speakers=tuple(sorted({row.speaker_id for row in store.rows})),
            languages=tuple(sorted({row.language for row in store.rows})),
        )

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Voices:
        """What `to_json` gave."""
        return cls(
            SymbolTable(tuple(values["symbols"])), tuple(values["speakers"]), tuple(values["languages"])
        )

    def to_json(self) -> dict[str, list[str]]:
        """Plain values for a checkpoint's card."""
        return {
            "symbols": list(self.symbols.names),
            "speakers": list(self.speakers),
            "languages": list(self.languages),
        }
