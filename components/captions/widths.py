"""How wide a text is on a line, and where a character that is seen as one ends."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from components.core.utterance import Language

_ZERO_WIDTH_JOINER = "\u200d"
_FULL_WIDTH = frozenset("WFA")  # A: ambiguous, drawn wide beside ideographs and Hangul
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_REGIONAL = range(0x1F1E6, 0x1F200)


def width(text: str, language: Language) -> float:
    """Characters of a line; in ko, ja and zh a half-width one counts half, as in Netflix's style guides."""
    return sum(_width(cluster, language) for cluster in clusters(text))


def clusters(text: str) -> Iterator[str]:
    """Characters as a reader counts them: with their marks, joined emoji and flags whole.

    A simple form of Unicode's grapheme clusters (UAX 29): NFC, no conjoining jamo, no Indic conjuncts.
    """
    held = ""
    for letter in text:
        if held and not _belongs(held, letter):
            yield held
            held = ""
        held += letter
    if held:
        yield held


def _belongs(held: str, letter: str) -> bool:
    if unicodedata.category(letter)[0] == "M" or letter == _ZERO_WIDTH_JOINER or ord(letter) in _SKIN_TONES:
        return True
    flag = len(held) == 1 and ord(held) in _REGIONAL and ord(letter) in _REGIONAL
    return held.endswith(_ZERO_WIDTH_JOINER) or flag


def _width(cluster: str, language: Language) -> float:
    if language == "en" or is_wide(cluster):
        return 1.0
    return 0.5


def is_wide(cluster: str) -> bool:
    """Whether a character is as wide as it is high."""
    return unicodedata.east_asian_width(cluster[0]) in _FULL_WIDTH
