"""Units → lines: as few as they fit into, then no line end inside a word, then lines of like width."""

from __future__ import annotations

from collections.abc import Sequence

from components.captions.units import Border, Unit
from components.captions.widths import width
from components.core.utterance import Language

#: Lines, line ends inside a word, sum of squared widths (in half characters); the first that differs counts.
_Cost = tuple[int, int, int]


def joined(units: Sequence[Unit]) -> str:
    """The text of units on one line."""
    return "".join(unit.text + (" " if unit.spaced else "") for unit in units).rstrip()


def fits(units: Sequence[Unit], language: Language, line_width: float, most: int) -> bool:
    """Whether the units fit into ``most`` lines; a unit alone always fits on one."""
    lines, start = 1, 0
    for place in range(1, len(units)):
        if width(joined(units[start : place + 1]), language) > line_width:
            lines, start = lines + 1, place
            if lines > most:
                return False
    return True


def lines_of(units: Sequence[Unit], language: Language, line_width: float) -> tuple[str, ...]:
    """The units as lines, each within ``line_width``."""
    best: list[tuple[_Cost, int]] = [((0, 0, 0), 0)]
    for end in range(1, len(units) + 1):
        choices = []
        for start in range(end - 1, -1, -1):
            wide = width(joined(units[start:end]), language)
            if wide > line_width and start < end - 1:
                break
            divided = int(end < len(units) and units[end - 1].border is Border.INSIDE)
            lines, inside, squares = best[start][0]
            choices.append(((lines + 1, inside + divided, squares + round(2 * wide) ** 2), start))
        best.append(min(choices))
    found, end = [], len(units)
    while end:
        start = best[end][1]
        found.append(joined(units[start:end]))
        end = start
    return tuple(found[::-1])
