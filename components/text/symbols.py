"""The symbol inventory. A symbol's place is its id and part of every checkpoint: lines are only appended."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from components.espeak import PAUSE

#: Raised when the file is rebuilt from scratch (never for an appended line).
INVENTORY_VERSION = 2
PAD, UNK = "<pad>", "<unk>"
SPECIAL = (PAD, UNK, PAUSE)
INVENTORY_FILE = Path(__file__).with_name("symbols.txt")
STRESSES = "ˈˌ"
TONES = "12345"
HIGH, DEVOICED = "\N{COMBINING ACUTE ACCENT}", "\N{COMBINING RING BELOW}"
_MARKS = str.maketrans(dict.fromkeys((HIGH, DEVOICED), ""))


@cache
def inventory() -> tuple[str, ...]:
    """Every symbol, by id: PAD 0, UNK 1, pause 2, then the sounds of all four languages."""
    return tuple(INVENTORY_FILE.read_text(encoding="utf-8").split("\n")[:-1])


@cache
def index() -> dict[str, int]:
    """Symbol → id."""
    return {symbol: number for number, symbol in enumerate(inventory())}


def ids(symbols: Iterable[str]) -> list[int]:
    """Ids of symbols, UNK for those outside the inventory: none is dropped."""
    unknown = index()[UNK]
    return [index().get(symbol, unknown) for symbol in symbols]


@cache
def segment(symbol: str) -> str:
    """A sound without stress, tone, pitch accent and devoicing, as error rates compare them.

    ``ˈæ`` → ``æ``, ``iang3`` → ``iang``, ``á`` → ``a``, ``u̥`` → ``u``.
    """
    if symbol in SPECIAL:
        return symbol
    bare = symbol.lstrip(STRESSES).rstrip(TONES)
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", bare).translate(_MARKS))


def tone(symbol: str) -> str | None:
    """The Mandarin tone of a final, ``1`` to ``5`` (5 = neutral); None for every other symbol."""
    return symbol[-1] if symbol[-1:] and symbol[-1] in TONES else None


def high(nucleus: str) -> str:
    """A Japanese mora nucleus on high pitch: ``a`` → ``á``."""
    return unicodedata.normalize("NFC", nucleus + HIGH)
