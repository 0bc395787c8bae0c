"""Mandarin: Hanzi → pinyin with tone digits, which is what espeak-ng reads reliably (``cmn-latn-pinyin``)."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from functools import cache
from typing import Any

from components.text.analysis import PAUSE_MARKS, PAUSE_SIGNS, Analysis, Piece, joined, pause
from components.text.chinese_numbers import in_words
from components.text.mandarin_tones import readings_of_words, toned
from components.text.numerals import clean_thousands
from components.text.pinyin import is_syllable, symbols_of
from components.text.traced import Traced

_LONGEST_WORD = 8
_LATIN = re.compile(r"[A-Za-z]{2}")
#: espeak-ng sees no end of a sentence before a small letter.
_SENTENCE_START = re.compile(r"(?<=\. )[a-z]")
_WITHOUT_IONG = re.compile(r"^([jqx])iong")
#: Syllables without a vowel (嗯 ng, 呣 m) have neither a symbol nor a voice: said as most speakers say them.
_WITHOUT_VOWEL = re.compile(r"^(?:(h)n?[mg]|ng?|m)(?=\d)")
#: Latin letters as Mandarin speakers spell them, in pinyin.
_LETTERS = {
    "A": "ei1", "B": "bi4", "C": "xi1", "D": "di4", "E": "yi4", "F": "ai2 fu5", "G": "ji4", "H": "ei2 chi5",
    "I": "ai4", "J": "jie4", "K": "kei4", "L": "ai2 le5", "M": "ai2 mu5", "N": "en1", "O": "ou1", "P": "pi4",
    "Q": "kiu1", "R": "a1 er5", "S": "ai2 si5", "T": "ti4", "U": "you1", "V": "wei1", "W": "da2 bu5 liu5",
    "X": "ai2 ke5 si5", "Y": "wai4", "Z": "zei4",
}  # fmt: skip


def analyse(text: Traced) -> tuple[Analysis, list[str]]:
    """``今天很好。`` → ``jin1 tian1 hen2 hao3.`` and ``j in1 t ian1 …``; and what Mandarin cannot say.

    Tone sandhi is applied, a neutral tone is 5. A word of the result is one of pypinyin's dictionary.
    """
    normal = in_words(clean_thousands(text))
    unknown: list[str] = []
    pieces: list[Piece] = []
    for (letter, span), reading in zip(normal, _readings(normal.text), strict=True):
        if reading:
            for syllable in reading.split():
                pieces += [Piece(" "), Piece(_for_espeak(syllable), symbols_of(syllable), span)]
            continue
        mark = PAUSE_SIGNS.get(letter, letter)
        pieces.append(pause(mark) if mark in PAUSE_MARKS else Piece(" "))
        if mark not in PAUSE_MARKS and unicodedata.category(letter)[0] not in "ZPC":
            unknown.append(letter)
    found = joined(pieces, _word_starts(normal))
    said = _SENTENCE_START.sub(lambda match: match.group().upper(), found.said)
    return dataclasses.replace(found, said=said), unknown


def _for_espeak(syllable: str) -> str:
    """espeak-ng lacks jiong, qiong and xiong and would read them as English: given as ``xi5yong2``."""
    return _WITHOUT_IONG.sub(r"\1i5yong", syllable)


def _readings(text: str) -> list[str]:
    """For every letter its syllable (a Latin letter has several), "" where it has none."""
    from pypinyin import Style, lazy_pinyin

    # The stub lacks that a list gives one reading a letter.
    letters: Any = list
    found: list[str] = lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True, errors=letters)
    base = [reading if is_syllable(reading) else "" for reading in found]
    said = toned(text, base, [place for place, _ in _words(text)])
    return [
        _WITHOUT_VOWEL.sub(lambda match: "heng" if match[1] else "en", reading)
        if reading
        else _LETTERS.get(letter.upper(), "")
        for letter, reading in zip(text, said, strict=True)
    ]


def _words(text: str) -> list[tuple[int, str]]:
    """The words of the dictionaries, the longest match first, and where they begin; else single letters."""
    known = _known_words()
    found: list[tuple[int, str]] = []
    place = 0
    while place < len(text):
        sizes = range(_LONGEST_WORD, 1, -1)
        size = next((n for n in sizes if text[place : place + n] in known and place + n <= len(text)), 1)
        found.append((place, text[place : place + size]))
        place += size
    return found


@cache
def _known_words() -> frozenset[str]:
    from pypinyin.constants import PHRASES_DICT

    return frozenset(PHRASES_DICT) | frozenset(readings_of_words())


def _word_starts(text: Traced) -> list[int]:
    """Where the words begin in the written text; a number that was spelt out is one word."""
    starts: list[int] = []
    end = 0
    for place, word in _words(text.text):
        spelling = place and _LATIN.fullmatch(text.text[place - 1 : place + 1])
        if unicodedata.category(word[0])[0] in "LNS" and not spelling and text.spans[place][0] >= end:
            starts.append(text.spans[place][0])
        end = text.spans[place + len(word) - 1][1]
    return starts
