"""The explicit map espeak phone ↔ our symbol, and timings of symbols from timings of phones.

``correspondence.csv`` lists per language which symbols may sound as which phones (both without stress, tone
and pitch accent, separated by spaces): one symbol by one or several phones, or several symbols within one
phone. English has no symbols but espeak-ng's phones, with several spellings of one sound merged: there each
phone has one row, which is also how `components.text` makes the symbols.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from components.core.errors import DataError
from components.core.utterance import Language
from components.espeak import PAUSE, PhoneTiming
from components.text.symbols import STRESSES, segment

#: Changes with the table: alignments.csv of a corpus follows from it.
CORRESPONDENCE_VERSION = 1
TABLE = Path(__file__).with_name("correspondence.csv")


@dataclass(frozen=True)
class Chunk:
    """Symbols that sound as phones; one of the two is a single one."""

    symbols: tuple[str, ...]
    phones: tuple[str, ...]


@cache
def table(language: Language) -> tuple[Chunk, ...]:
    """The rows of a language, in file order; a pause is a pause in all of them."""
    with TABLE.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["language"] == language]
    chunks = [Chunk(tuple(row["symbols"].split()), tuple(row["phones"].split())) for row in rows]
    return (Chunk((PAUSE,), (PAUSE,)), *chunks)


def symbols_of_phone(phone: str) -> tuple[str, ...]:
    """English: ``ˈɛɹ`` → ``ˈɛ ɹ``. The first symbol takes the stress.

    A drawled vowel (aaah) is the short one; a phone that the table lacks stays as it is.
    """
    stress = phone[:1] if phone[:1] and phone[0] in STRESSES else ""
    bare = phone[len(stress) :]
    known = _english()
    first, *rest = known.get(bare) or known.get(bare.rstrip("ː"), (bare,))
    return (stress + first, *rest)


@cache
def _english() -> dict[str, tuple[str, ...]]:
    return {chunk.phones[0]: chunk.symbols for chunk in table("en")}


def symbol_timings(
    language: Language, symbols: Sequence[str], phones: Sequence[PhoneTiming]
) -> tuple[PhoneTiming, ...]:
    """When each of our symbols sounds.

    The finest monotone segmentation into rows of the table: a symbol takes the union of its phones, symbols
    within one phone share it equally (whole samples, the first ones the longer).

    Raises:
        DataError: the table does not explain these phones as these symbols; names the place.
    """
    path = _path(language, [segment(s) for s in symbols], [segment(p.symbol) for p in phones])
    timed: list[PhoneTiming] = []
    at = 0
    for chunk in path:
        own = symbols[len(timed) : len(timed) + len(chunk.symbols)]
        start, end = phones[at].start, phones[at + len(chunk.phones) - 1].end
        edges = np.linspace(start, end, len(own) + 1).round().astype(int).tolist()
        timed += [PhoneTiming(s, a, b) for s, a, b in zip(own, edges, edges[1:], strict=False)]
        at += len(chunk.phones)
    return tuple(timed)


def _path(language: Language, symbols: list[str], phones: list[str]) -> list[Chunk]:
    """The chunks from (0, 0) to the end that lump the least together (dynamic programming over the grid)."""
    best: dict[tuple[int, int], tuple[int, Chunk | None]] = {(0, 0): (0, None)}
    by_first = _by_first_symbol(language)
    furthest = (0, 0)
    for i in range(len(symbols)):
        for j in [place for row, place in list(best) if row == i]:
            cost = best[i, j][0]
            for chunk in by_first.get(symbols[i], ()):
                goal = (i + len(chunk.symbols), j + len(chunk.phones))
                if tuple(symbols[i : goal[0]]) != chunk.symbols or tuple(phones[j : goal[1]]) != chunk.phones:
                    continue
                total = cost + len(chunk.symbols) + len(chunk.phones) - 2
                if goal not in best or total < best[goal][0]:
                    best[goal] = (total, chunk)
                furthest = max(furthest, goal)
    place = (len(symbols), len(phones))
    if place not in best:
        raise _unexplained(language, symbols, phones, furthest)
    path: list[Chunk] = []
    while (last := best[place][1]) is not None:
        path.append(last)
        place = (place[0] - len(last.symbols), place[1] - len(last.phones))
    return path[::-1]


@cache
def _by_first_symbol(language: Language) -> dict[str, list[Chunk]]:
    found: dict[str, list[Chunk]] = {}
    for chunk in table(language):
        found.setdefault(chunk.symbols[0], []).append(chunk)
    return found


def _unexplained(language: str, symbols: list[str], phones: list[str], place: tuple[int, int]) -> DataError:
    i, j = place
    return DataError(
        who=f"alignment ({language})",
        expected=f"phones for the symbols …{' '.join(symbols[max(0, i - 2) : i + 4])}… at {i}",
        found=f"…{' '.join(phones[max(0, j - 2) : j + 4])}… at {j}",
        action="add the correspondence to components/text/correspondence.csv",
    )
