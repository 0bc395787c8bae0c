"""A text and the times of its words → the pieces that no line break divides, each with its time."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

from components.captions.marks import ends_clause, ends_sentence, may_not_begin, may_not_end
from components.captions.widths import clusters, is_wide, width
from components.core.errors import DataError
from components.core.utterance import Language
from components.nn.timed_speech import Timed

#: Written without spaces between words: a line may end after most characters.
_UNSPACED: tuple[Language, ...] = ("ja", "zh")
_SYMBOL = "So"


class Border(IntEnum):
    """What ends with a unit, the stronger the greater."""

    INSIDE = 0
    WORD = 1
    CLAUSE = 2
    SENTENCE = 3


@dataclass(frozen=True)
class Unit:
    """A piece of text that stays on one line.

    Attributes:
        text: without spaces around it.
        spaced: whether a space follows in the text.
        border: what ends with it.
        start_ms, end_ms: milliseconds from the first sample.
    """

    text: str
    spaced: bool
    border: Border
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class _Piece:
    """A unit without times: where it stands in the text."""

    start: int
    end: int


def plain_text(text: str) -> str:
    """NFC on one line: controls and runs of white space become one space."""
    spaced = "".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)
    return " ".join(unicodedata.normalize("NFC", spaced).split())


def units_of(text: str, words: Sequence[Timed], language: Language, line_width: float) -> tuple[Unit, ...]:
    """The units of ``text`` in order; joined (with a space where ``spaced``) they are `plain_text` of it.

    Korean and English divide at spaces, Japanese and Mandarin between characters too, except where a line
    would begin or end with a mark that may not stand there. What is wider than a line is divided anyway.
    Inside a word time runs evenly over its letters. Starts rise by at least a millisecond.

    Args:
        text: all that is to be shown.
        words: those that sound, in order; what stands between two belongs to the first.

    Raises:
        DataError: no words, times out of order, or words that are not those of the text.
    """
    whole = plain_text(text)
    edges = [0, *_starts(whole, words)[1:], len(whole)]
    begun, done = _clock(whole, edges, words)
    pieces = _fitting(whole, _pieces(whole, language), language, line_width)
    starts: list[int] = []
    for piece in pieces:
        starts.append(max(round(begun[piece.start]), starts[-1] + 1 if starts else 0))
    ends = [round(done[piece.end - 1]) for piece in pieces]
    limits = [*starts[1:], max(ends[-1], starts[-1] + 1)]
    return tuple(
        Unit(
            text=whole[piece.start : piece.end],
            spaced=whole[piece.end : piece.end + 1] == " ",
            border=_border(whole, piece, set(edges)),
            start_ms=start,
            end_ms=min(max(end, start + 1), limit),
        )
        for piece, start, end, limit in zip(pieces, starts, ends, limits, strict=True)
    )


def _starts(whole: str, words: Sequence[Timed]) -> list[int]:
    """Where each word begins in the text."""
    starts, at, before_s = [], 0, 0.0
    for word in words:
        written = plain_text(word.text)
        place = whole.find(written, at)
        if place < 0 or not written:
            raise _unfit("the words of the text in its order", f"{word.text!r} after {whole[:at][-20:]!r}")
        if not before_s <= word.start_s <= word.end_s:
            raise _unfit(
                "times that run forward", f"{word.text!r} at {word.start_s}-{word.end_s} s after {before_s} s"
            )
        starts.append(place)
        at, before_s = place + len(written), word.start_s
    if not starts:
        raise _unfit("at least one word with a time", "none")
    return starts


def _clock(whole: str, edges: Sequence[int], words: Sequence[Timed]) -> tuple[list[float], list[float]]:
    """Milliseconds at which each character of the text begins, and is done; punctuation takes no time."""
    begun, done = [0.0] * len(whole), [0.0] * len(whole)
    for start, end, word in zip(edges, edges[1:], words, strict=False):
        letters = [unicodedata.category(c)[0] in "LN" for c in whole[start:end]]
        total, passed = sum(letters) or 1, 0
        for place, letter in enumerate(letters, start=start):
            begun[place] = 1000.0 * (word.start_s + (word.end_s - word.start_s) * passed / total)
            passed += letter
            done[place] = 1000.0 * (word.start_s + (word.end_s - word.start_s) * passed / total)
    return begun, done


def _pieces(whole: str, language: Language) -> list[_Piece]:
    """The text, divided wherever a line may end."""
    cuts, place = [0], 0
    for cluster, following in pairwise(clusters(whole)):
        place += len(cluster)
        unspaced = language in _UNSPACED and following != " " and (is_wide(cluster) or is_wide(following))
        before = whole[place - 2] if cluster == " " else whole[place - 1]
        if (cluster == " " or unspaced) and not may_not_end(before) and not _clings(whole, place, language):
            cuts.append(place)
    bounds = pairwise([*cuts, len(whole)])
    return [_Piece(a, a + len(whole[a:b].rstrip())) for a, b in bounds]


def _clings(whole: str, place: int, language: Language) -> bool:
    """Whether what follows stays with what is before: a mark that may not begin a line, or an emoji.

    Between spaces only what stands there alone does: ``…그런데`` begins a line, ``!`` and ``🙂`` do not.
    """
    clings = may_not_begin(whole[place]) or unicodedata.category(whole[place]) == _SYMBOL
    if language in _UNSPACED or not clings:
        return clings
    token = whole[place:].split(" ", 1)[0]
    return not any(c.isalnum() for c in token)


def _fitting(whole: str, pieces: Sequence[_Piece], language: Language, line_width: float) -> list[_Piece]:
    """Pieces wider than a line, divided at characters."""
    found: list[_Piece] = []
    for piece in pieces:
        start = at = piece.start
        for cluster in clusters(whole[piece.start : piece.end]):
            if at > start and width(whole[start : at + len(cluster)], language) > line_width:
                found.append(_Piece(start, start + len(whole[start:at].rstrip())))
                start = at + (cluster == " ")
            at += len(cluster)
        if start < piece.end:
            found.append(_Piece(start, piece.end))
    return found


def _border(whole: str, piece: _Piece, word_edges: set[int]) -> Border:
    text = whole[piece.start : piece.end]
    ended = whole[piece.end : piece.end + 1] in ("", " ") or piece.end in word_edges
    if ended or is_wide(text[-1]):
        if ends_sentence(text):
            return Border.SENTENCE
        if ends_clause(text):
            return Border.CLAUSE
    return Border.WORD if ended else Border.INSIDE


def _unfit(expected: str, found: str) -> DataError:
    return DataError(
        who="captions", expected=expected, found=found, action="caption the text that the words were timed in"
    )
