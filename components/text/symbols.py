"""The symbol inventory. A symbol's place is its id and part of every checkpoint: lines are only appended."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from components.espeak import PAUSE

#: Raised when the file is rebuilt from scratch (never for an appended line).
INVENTORY_VERSION = 1
PAD, UNK = "<pad>", "<unk>"
SPECIAL = (PAD, UNK, PAUSE)
INVENTORY_FILE = Path(__file__).with_name("symbols.txt")
_STRESS = "ˈˌ"
_TONES = "12345"


@cache
def inventory() -> tuple[str, ...]:
    """Every symbol, by id: PAD 0, UNK 1, pause 2, then the phones of all four languages."""
    return tuple(INVENTORY_FILE.read_text(encoding="utf-8").split("\n")[:-1])


@cache
def index() -> dict[str, int]:
    """Symbol → id."""
    return {symbol: number for number, symbol in enumerate(inventory())}


def ids(symbols: Iterable[str]) -> list[int]:
    """Ids of symbols, UNK for those outside the inventory: none is dropped."""
    unknown = index()[UNK]
    return [index().get(symbol, unknown) for symbol in symbols]


def segment(symbol: str) -> str:
    """A phone without stress and tone, as error rates compare them: ``ˈiɛ1`` → ``iɛ``."""
    return symbol if symbol in SPECIAL else symbol.lstrip(_STRESS).rstrip(_TONES)
