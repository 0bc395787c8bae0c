"""What a language's analysis says: one pronunciation, written twice (for espeak-ng and as symbols)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from components.espeak import PAUSE
from components.text.traced import Span, Traced

PAUSE_MARKS = ".,!?;:"
#: Of several marks in a row espeak-ng is given one, the first of these that occurs.
_STRENGTH = "?!.;:,"
PAUSE_SIGNS = dict(zip("，、。！？；：…・", ",,.!?;:.,", strict=True))
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True)
class Sound:
    """A symbol and the interval of the written text that it sounds; a pause belongs to none."""

    symbol: str
    span: Span | None


@dataclass(frozen=True)
class Piece:
    """A stretch of speech: what espeak-ng reads and the symbols of just that (none for a space)."""

    said: str
    symbols: tuple[str, ...] = ()
    span: Span = (0, 0)

    @property
    def is_pause(self) -> bool:
        """Whether it is punctuation at which the voice stops."""
        return self.symbols == (PAUSE,)


@dataclass(frozen=True)
class Analysis:
    """The two renderings, and where the written words begin (in order; each lasts to the next)."""

    said: str
    sounds: tuple[Sound, ...]
    words: tuple[int, ...]


def pause(marks: str) -> Piece:
    """Punctuation, however much of it, as one pause."""
    strongest = next(mark for mark in _STRENGTH if mark in marks)
    return Piece(f"{strongest} ", (PAUSE,))


def joined(pieces: Iterable[Piece], words: Sequence[int]) -> Analysis:
    """Pauses merged, none at the beginning, exactly one at the end (unwritten where no mark is written)."""
    kept: list[Piece] = []
    for piece in pieces:
        if not piece.said:
            continue
        last = next((p for p in reversed(kept) if p.symbols), None)
        if piece.is_pause and (last is None or last.is_pause):
            if last is not None:
                kept[_index(kept, last)] = pause(last.said + piece.said)
            continue
        kept.append(piece)
    if any(piece.symbols for piece in kept) and not next(p for p in reversed(kept) if p.symbols).is_pause:
        kept.append(Piece("", (PAUSE,)))
    said = "".join(piece.said for piece in kept)
    sounds = [
        Sound(symbol, None if piece.is_pause else piece.span) for piece in kept for symbol in piece.symbols
    ]
    return Analysis(_tidy(said), tuple(sounds), tuple(words))


def _index(kept: list[Piece], wanted: Piece) -> int:
    return max(place for place, piece in enumerate(kept) if piece is wanted)


def _tidy(said: str) -> str:
    """Single spaces, none before a mark."""
    said = " ".join(said.split())
    for mark in PAUSE_MARKS:
        said = said.replace(f" {mark}", mark)
    return said


def kept(text: Traced, sayable: re.Pattern[str]) -> tuple[Traced, list[str]]:
    """What the language can say, pause marks and single spaces; and the letters and signs that it cannot."""
    unknown: list[str] = []

    def keep(letter: str) -> str:
        mark = PAUSE_SIGNS.get(letter, letter)
        if mark in PAUSE_MARKS or sayable.match(letter):
            return mark
        if unicodedata.category(letter)[0] not in "ZPC":
            unknown.append(letter)
        return " "

    return text.each(keep).sub(_SPACES, " "), unknown


def word_starts(text: Traced) -> list[int]:
    """Where the words of a script with spaces begin in the written text."""
    return [word.spans[0][0] for word in text.words()]
