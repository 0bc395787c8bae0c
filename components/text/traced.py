"""Text that remembers where it came from: every letter keeps its place in the text as it was written.

Numbers are spelt out, signs become words and syllables change sound, yet captions and per-word control need
to know which written word a sound belongs to. So the rules of all languages rewrite a `Traced`, not a string.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Span = tuple[int, int]
#: Medial vowels and finals of conjoining Hangul compose with what precedes them.
_JOINING = range(0x1160, 0x1200)


@dataclass(frozen=True)
class Traced:
    """A text and, for each of its letters, the half-open interval of the written text that it stands for."""

    text: str
    spans: tuple[Span, ...]

    @classmethod
    def of(cls, text: str) -> Traced:
        """Every letter stands for itself."""
        return cls(text, tuple((place, place + 1) for place in range(len(text))))

    def __getitem__(self, part: slice) -> Traced:
        return Traced(self.text[part], self.spans[part])

    def __iter__(self) -> Iterator[tuple[str, Span]]:
        return iter(zip(self.text, self.spans, strict=True))

    def stripped(self) -> Traced:
        """Without white space at both ends: Open JTalk gives a word another accent before a space."""
        start = len(self.text) - len(self.text.lstrip())
        return self[start : max(start, len(self.text.rstrip()))]

    def sub(
        self,
        pattern: re.Pattern[str],
        replacement: str | Callable[[re.Match[str]], str],
        by_letter: bool = False,
    ) -> Traced:
        """`re.sub`; a replacement stands for all that it replaces, or (if as long) letter by letter."""
        pieces: list[str] = []
        spans: list[Span] = []
        done = 0
        for match in pattern.finditer(self.text):
            start, end = match.span()
            new = match.expand(replacement) if isinstance(replacement, str) else replacement(match)
            pieces += [self.text[done:start], new]
            spans += self.spans[done:start]
            old = self.spans[start:end]
            spans += old if by_letter and len(new) == len(old) else [self._around(start, end)] * len(new)
            done = end
        return Traced("".join([*pieces, self.text[done:]]), (*spans, *self.spans[done:]))

    def each(self, change: Callable[[str], str]) -> Traced:
        """Every letter replaced by what ``change`` makes of it, which may be nothing or several letters."""
        changed = [(change(letter), span) for letter, span in self]
        return Traced(
            "".join(new for new, _ in changed), tuple(span for new, span in changed for _ in range(len(new)))
        )

    def words(self) -> list[Traced]:
        """The runs between white space."""
        return [self[slice(*match.span())] for match in re.finditer(r"\S+", self.text)]

    def _around(self, start: int, end: int) -> Span:
        """The interval that these letters stand for; for no letters the place where they would be."""
        if start < end:
            return min(s for s, _ in self.spans[start:end]), max(e for _, e in self.spans[start:end])
        place = self.spans[start - 1][1] if start else 0
        return place, place


def plain(text: str) -> Traced:
    """Compatibility-normalised (NFKC), controls as spaces; places are those of the text's NFC form."""
    composed = unicodedata.normalize("NFC", text)
    clean = "".join(" " if unicodedata.category(letter)[0] == "C" else letter for letter in composed)
    pieces = [
        (unicodedata.normalize("NFKC", clean[start:end]), (start, end)) for start, end in _clusters(clean)
    ]
    return Traced(
        "".join(piece for piece, _ in pieces),
        tuple(span for piece, span in pieces for _ in range(len(piece))),
    )


def _clusters(text: str) -> Iterator[Span]:
    """Intervals that can be normalised alone: what NFKC joins to the letter before stays with it."""
    start = 0
    for place in range(1, len(text)):
        first = unicodedata.normalize("NFKD", text[place])[:1]
        if first and not unicodedata.combining(first) and ord(first) not in _JOINING:
            yield start, place
            start = place
    if text:
        yield start, len(text)
