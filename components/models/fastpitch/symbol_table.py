"""Symbols as the network numbers them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from components.core.errors import DataError
from components.text.symbols import PAD, SPECIAL, UNK, inventory


@dataclass(frozen=True)
class SymbolTable:
    """An ordered inventory; the order is part of a checkpoint.

    Attributes:
        names: every symbol once, `components.text.symbols.SPECIAL` (padding, unknown, pause) first.
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.names[: len(SPECIAL)] != SPECIAL or len(set(self.names)) != len(self.names):
            raise DataError(
                who="symbols",
                expected=f"{', '.join(SPECIAL)}, then every symbol once",
                found=f"{len(self.names)} symbols beginning with {self.names[: len(SPECIAL)]}",
                action="restore components/text/symbols.txt or the checkpoint's card; one of them was edited",
            )

    @classmethod
    def current(cls) -> SymbolTable:
        """The front-end's inventory as it is now."""
        return cls(inventory())

    def __len__(self) -> int:
        return len(self.names)

    @property
    def padding(self) -> int:
        """Id that fills a batch; never a symbol of a sentence."""
        return self.names.index(PAD)

    @property
    def unknown(self) -> int:
        """Id of everything outside the inventory."""
        return self.names.index(UNK)

    @property
    def droppable(self) -> tuple[bool, ...]:
        """[V] which symbols phoneme dropout may replace: sounds, not padding, pauses or the unknown."""
        return tuple(name not in SPECIAL for name in self.names)

    def ids(self, symbols: Sequence[str]) -> list[int]:
        """Numbers of symbols; what the inventory lacks becomes the unknown."""
        places = {name: place for place, name in enumerate(self.names)}
        return [places.get(symbol, self.unknown) for symbol in symbols]
