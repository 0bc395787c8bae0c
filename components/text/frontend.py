"""Text → what is spoken → phonemes, in four languages. Version 1: the phonemes are espeak-ng's."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from components.core.errors import DataError
from components.core.utterance import LANGUAGES, Language
from components.espeak import phonemes
from components.text import chinese, english, japanese, korean
from components.text.symbols import UNK, index

_CONVERTERS: dict[Language, Callable[[str], str]] = {
    "ko": korean.spoken,
    "en": english.spoken,
    "ja": japanese.spoken,
    "zh": chinese.spoken,
}
#: What the converter of each language may leave for espeak-ng, apart from spaces and pauses.
_SAYABLE: dict[Language, re.Pattern[str]] = {
    "ko": re.compile(r"[가-힣]"),
    "en": re.compile(r"[A-Za-z'\-]"),
    "ja": re.compile(r"[ァ-ヴー]"),
    "zh": re.compile(r"[a-z1-5]"),
}
_PAUSES = str.maketrans("，、。！？；：…", ",,.!?;:.")
_PAUSE = ".,!?;:"
_LONELY_MARK = re.compile(r"(?<![ァ-ヴー])[ーッ]+|(?<![A-Za-z])['\-]+|['\-]+(?![A-Za-z])")


@dataclass(frozen=True)
class Phonemes:
    """Symbols in order (UNK where the inventory lacks one), and what could not be spoken, in order."""

    symbols: tuple[str, ...]
    unknown: tuple[str, ...]


def spoken(text: str, language: Language) -> str:
    """What espeak-ng is fed: pronounced Hangul, katakana, pinyin, or English with numbers in words.

    Raises:
        DataError: empty text, unknown language, or nothing that can be spoken.
    """
    return _convert(text, language)[0]


def phonemise(text: str, language: Language) -> Phonemes:
    """The symbols of a text: the same that the generated corpus is aligned with.

    Mandarin finals carry tone digits. What the language cannot say (emoji, foreign scripts) and symbols
    outside the inventory are reported in ``unknown``.

    Raises:
        DataError: empty text, unknown language, or nothing that can be spoken.
    """
    said, unsayable = _convert(text, language)
    found = phonemes(said, language)
    known = index()
    outside = [symbol for symbol in found if symbol not in known]
    return Phonemes(tuple(s if s in known else UNK for s in found), (*unsayable, *outside))


def _convert(text: str, language: Language) -> tuple[str, list[str]]:
    if language not in _CONVERTERS:
        raise DataError(
            who=f"language {language!r}",
            expected=f"one of {', '.join(LANGUAGES)}",
            found="no front-end for it",
            action="mend the language column",
        )
    clean = "".join(" " if unicodedata.category(letter)[0] == "C" else letter for letter in text)
    written = " ".join(unicodedata.normalize("NFKC", clean).split())
    said, unknown = _filtered(_CONVERTERS[language](_plain_latin(written)), language) if written else ("", [])
    if not any(_SAYABLE[language].match(letter) for letter in said):
        raise DataError(
            who=f"text {text[:40]!r}",
            expected=f"something that can be spoken in {language}",
            found="nothing" if not written else "no such letter",
            action="mend or remove the text",
        )
    return said, unknown


def _plain_latin(text: str) -> str:
    """``café`` → ``cafe``: accents on Latin letters only; other scripts need their marks."""
    plain = []
    for letter in text:
        base = unicodedata.normalize("NFD", letter)[0]
        plain.append(base if base.isascii() and base.isalpha() else letter)
    return "".join(plain).replace("’", "'")


def _filtered(said: str, language: Language) -> tuple[str, list[str]]:
    """Keep what espeak-ng reads in this language; list letters and signs that it does not."""
    kept: list[str] = []
    unknown: list[str] = []
    for letter in said.translate(_PAUSES):
        if letter in _PAUSE or _SAYABLE[language].match(letter):
            kept.append(letter)
        else:
            kept.append(" ")
            if unicodedata.category(letter)[0] not in "ZP":
                unknown.append(letter)
    return " ".join(_LONELY_MARK.sub(" ", "".join(kept)).split()), unknown
