"""Punctuation: what a line may not begin or end with, and what ends a sentence or a clause.

After the Japanese line composition rules (JIS X 4051; W3C, Requirements for Japanese Text Layout, 3.1.7 to
3.1.9) and their Chinese (GB/T 15834) and Korean (한글 맞춤법) counterparts, as far as captions need them.
"""

from __future__ import annotations

import unicodedata

#: Closing brackets and quotes, and opening ones, by Unicode category.
_CLOSING, _OPENING = ("Pe", "Pf"), ("Ps", "Pi")
#: Besides them, a line does not begin with these.
_NO_START = frozenset(
    "、。，．,.・：；:;？！?!‼⁇⁈⁉…‥％%‰℃°"
    "ーｰ〜～々〻ヽヾゝゞ"
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿｧｨｩｪｫｬｭｮｯ"
)
_SENTENCE = frozenset(".?!。？！…‼⁇⁈⁉｡")
_CLAUSE = frozenset(",;:、，；：､—–")
#: A full stop after these ends no sentence.
_ABBREVIATIONS = frozenset({"mr", "mrs", "ms", "dr", "prof", "st", "vs", "no", "jr", "sr", "e.g", "i.e"})


def may_not_begin(text: str) -> bool:
    """Whether a line may not begin with ``text`` (not empty)."""
    return text[0] in _NO_START or unicodedata.category(text[0]) in _CLOSING


def may_not_end(text: str) -> bool:
    """Whether a line may not end with ``text`` (not empty)."""
    return unicodedata.category(text[-1]) in _OPENING


def ends_sentence(text: str) -> bool:
    """Whether a sentence ends with ``text``; closing brackets and quotes after the mark do not count."""
    bare = _without_closing(text)
    if bare[-1:] not in _SENTENCE:
        return False
    stem = bare[:-1].casefold()
    initial = len(stem) == 1 and stem.isascii() and stem.isalpha()
    return not (bare.endswith(".") and (initial or stem in _ABBREVIATIONS))


def ends_clause(text: str) -> bool:
    """Whether a clause ends with ``text``."""
    return _without_closing(text)[-1:] in _CLAUSE


def _without_closing(text: str) -> str:
    while text and (unicodedata.category(text[-1]) in _CLOSING or text[-1] in "\"'"):
        text = text[:-1]
    return text
