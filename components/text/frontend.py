"""Text → what is spoken → symbols, in four languages: one analysis, written for espeak-ng and as symbols."""

from __future__ import annotations

import bisect
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from components.core.errors import DataError
from components.core.utterance import LANGUAGES, Language
from components.espeak import PAUSE
from components.text import chinese, english, japanese, korean
from components.text.analysis import Analysis, Sound
from components.text.symbols import UNK, index
from components.text.traced import Traced, plain

_ANALYSERS: dict[Language, Callable[[Traced], tuple[Analysis, list[str]]]] = {
    "ko": korean.analyse,
    "en": english.analyse,
    "ja": japanese.analyse,
    "zh": chinese.analyse,
}
#: Unicode categories of opening brackets and quotes: they belong to the word that follows.
_OPENING = ("Ps", "Pi")


@dataclass(frozen=True)
class Phonemes:
    """A text as symbols.

    Attributes:
        symbols: in order, UNK where the inventory lacks one; the last is always a pause.
        unknown: what could not be spoken, and symbols outside the inventory, in order.
        words: for each symbol the index into ``written`` of its word, -1 for a pause.
        written: the words as written (NFC), punctuation with them, in order: between spaces in Korean and
            English, accent phrases in Japanese, dictionary words in Mandarin. A word may have no symbol: an
            emoji, or a word that espeak-ng reads with the one before it (of the).
    """

    symbols: tuple[str, ...]
    unknown: tuple[str, ...]
    words: tuple[int, ...]
    written: tuple[str, ...]


def spoken(text: str, language: Language) -> str:
    """What espeak-ng is fed: pronounced Hangul, katakana, pinyin, or English with numbers in words.

    Raises:
        DataError: empty text, unknown language, or nothing that can be spoken.
    """
    return analyse(text, language)[0].said


def phonemise(text: str, language: Language) -> Phonemes:
    """The symbols of a text: the same that the generated corpus is aligned with.

    What the language cannot say (emoji, foreign scripts) and symbols outside the inventory are reported in
    ``unknown``. NFC and NFD of a text give the same.

    Raises:
        DataError: empty text, unknown language, or nothing that can be spoken.
    """
    analysis, unsayable = analyse(text, language)
    known = index()
    symbols = tuple(s.symbol if s.symbol in known else UNK for s in analysis.sounds)
    outside = [sound.symbol for sound in analysis.sounds if sound.symbol not in known]
    words, written = _in_words(unicodedata.normalize("NFC", text), analysis)
    return Phonemes(symbols, (*unsayable, *outside), words, written)


def analyse(text: str, language: Language) -> tuple[Analysis, list[str]]:
    """Both renderings before the inventory is asked, and what could not be spoken.

    Raises:
        DataError: empty text, unknown language, or nothing that can be spoken.
    """
    if language not in _ANALYSERS:
        raise DataError(
            who=f"language {language!r}",
            expected=f"one of {', '.join(LANGUAGES)}",
            found="no front-end for it",
            action="mend the language column",
        )
    written = plain(text).each(_plain_latin).stripped()
    analysis, unknown = _ANALYSERS[language](written) if written.text.strip() else (Analysis("", (), ()), [])
    if all(sound.symbol == PAUSE for sound in analysis.sounds):
        raise DataError(
            who=f"text {text[:40]!r}",
            expected=f"something that can be spoken in {language}",
            found="nothing" if not written.text.strip() else "no such letter",
            action="mend or remove the text",
        )
    return analysis, unknown


def _plain_latin(letter: str) -> str:
    """``é`` → ``e``: accents on Latin letters only; other scripts need their marks."""
    base = unicodedata.normalize("NFD", letter)[0]
    if base.isascii() and base.isalpha():
        return base
    return "'" if letter == "’" else letter


def _in_words(text: str, analysis: Analysis) -> tuple[tuple[int, ...], tuple[str, ...]]:
    starts = [0, *(_before_brackets(text, start) for start in analysis.words[1:])]
    written = tuple(text[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True))
    return tuple(_word(sound, starts) for sound in analysis.sounds), written


def _before_brackets(text: str, start: int) -> int:
    while start > 0 and unicodedata.category(text[start - 1]) in _OPENING:
        start -= 1
    return start


def _word(sound: Sound, starts: list[int]) -> int:
    return -1 if sound.span is None else bisect.bisect_right(starts, sound.span[0]) - 1
