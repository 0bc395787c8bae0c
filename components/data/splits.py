"""Which sentence trains, which validates, which tests; and whether anything leaked between them."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from components.core.params.data import SplitParams
from components.core.utterance import Split, Utterance

_HASH_BYTES = 8
_HASH_RANGE = 1 << (8 * _HASH_BYTES)


def sentence_key(text: str, language: str) -> str:
    """What makes two sentences one: NFC, letter case and spacing do not count."""
    return f"{language}\0{' '.join(unicodedata.normalize('NFC', text).casefold().split())}"


def split_of(text: str, language: str, utterance_id: str, shares: SplitParams, seed: int) -> Split:
    """The split of a sentence, a pure function of itself: rows added later move nothing.

    A recording without text is its own sentence, so it goes by its id.
    """
    key = sentence_key(text, language) if text.strip() else f"id\0{utterance_id}"
    digest = hashlib.sha256(f"{seed}\0{key}".encode()).digest()
    position = int.from_bytes(digest[:_HASH_BYTES], "big") / _HASH_RANGE
    if position < shares.test:
        return "test"
    return "validation" if position < shares.test + shares.validation else "train"


@dataclass(frozen=True)
class Leak:
    """Something that must stand on one side only and stands on several."""

    what: str
    sides: tuple[str, ...]
    utterance_ids: tuple[str, ...]


def sentence_leaks(rows: Iterable[Utterance]) -> tuple[Leak, ...]:
    """Sentences that stand in more than one split."""
    return _leaks(
        (row for row in rows if row.text.strip()),
        what=lambda row: sentence_key(row.text, row.language).replace("\0", ": "),
        side=lambda row: row.split,
    )


def speaker_leaks(rows: Iterable[Utterance]) -> tuple[Leak, ...]:
    """Speakers with more than one role: a voice that is unseen or judges must not also train."""
    return _leaks(rows, what=lambda row: row.speaker_id, side=lambda row: row.role)


def audio_leaks(rows: Iterable[Utterance]) -> tuple[Leak, ...]:
    """Recordings (by content) that stand in more than one split."""
    return _leaks(rows, what=lambda row: row.sha256, side=lambda row: row.split)


def _leaks(
    rows: Iterable[Utterance], what: Callable[[Utterance], str], side: Callable[[Utterance], str]
) -> tuple[Leak, ...]:
    found: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        found.setdefault(what(row), {}).setdefault(side(row), []).append(row.utterance_id)
    return tuple(
        Leak(key, tuple(sorted(sides)), tuple(sorted(i for ids in sides.values() for i in ids)))
        for key, sides in sorted(found.items())
        if len(sides) > 1
    )
