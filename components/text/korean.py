"""Korean orthography → pronounced Hangul: numbers, Latin letters and signs in words, then the sound rules."""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

from components.text.analysis import PAUSE_MARKS, Analysis, Piece, joined, kept, pause, word_starts
from components.text.hangul import jamo
from components.text.korean_numbers import in_words
from components.text.korean_pronunciation import pronounced
from components.text.numerals import clean_thousands
from components.text.traced import Traced

_SAYABLE = re.compile(r"[가-힣]")
_SIGNS = {
    "%": "퍼센트", "&": " 앤드 ", "+": " 더하기 ", "×": " 곱하기 ", "÷": " 나누기 ", "=": " 는 ",
    "@": " 골뱅이 ", "#": " 샵 ",
}  # fmt: skip
_LETTERS = {
    "A": "에이", "B": "비", "C": "씨", "D": "디", "E": "이", "F": "에프", "G": "지", "H": "에이치",
    "I": "아이", "J": "제이", "K": "케이", "L": "엘", "M": "엠", "N": "엔", "O": "오", "P": "피", "Q": "큐",
    "R": "알", "S": "에스", "T": "티", "U": "유", "V": "브이", "W": "더블유", "X": "엑스",
    "Y": "와이", "Z": "제트",
}  # fmt: skip
_LATIN_TABLE = Path(__file__).with_name("korean_latin_words.csv")
_LATIN_WORD = re.compile(r"[A-Za-z]+(?:-[A-Za-z]+)*")


def analyse(text: Traced) -> tuple[Analysis, list[str]]:
    """``국물이 3그릇`` → ``궁무리 세 그륻`` and its jamo; and what Korean cannot say."""
    sayable, unknown = kept(normalise(text), _SAYABLE)
    pieces: list[Piece] = []
    for letter, span in pronounced(sayable):
        if letter == " ":
            pieces.append(Piece(letter))
        else:
            pieces.append(pause(letter) if letter in PAUSE_MARKS else Piece(letter, jamo(letter), span))
    return joined(pieces, word_starts(text)), unknown


def normalise(text: Traced) -> Traced:
    """Numbers, units, signs and Latin letters in Hangul, not yet pronounced."""
    text = in_words(clean_thousands(text)).each(lambda letter: _SIGNS.get(letter, letter))
    return text.sub(_LATIN_WORD, lambda match: _latin(match.group()))


@cache
def _latin_words() -> dict[str, str]:
    """Latin words that Korean speakers say as words, in small letters; all others are spelt."""
    with _LATIN_TABLE.open(encoding="utf-8", newline="") as stream:
        return {row["written"]: row["said"] for row in csv.DictReader(stream)}


def _latin(word: str) -> str:
    return _latin_words().get(word.lower()) or "".join(_LETTERS.get(letter.upper(), " ") for letter in word)
