"""Korean orthography → pronounced Hangul: numbers, Latin letters and signs in words, then the sound rules."""

from __future__ import annotations

import re

from components.text.analysis import PAUSE_MARKS, Analysis, Piece, joined, kept, pause, word_starts
from components.text.hangul import jamo
from components.text.korean_pronunciation import pronounced
from components.text.numerals import clean_thousands, digits_in, grouped_by_myriads
from components.text.traced import Traced

_SAYABLE = re.compile(r"[가-힣]")

_DIGITS = "영일이삼사오육칠팔구"
_UNITS = ("", "십", "백", "천")
_MYRIADS = ("", "만", "억", "조", "경")
_NATIVE_ONES = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
_NATIVE_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
#: What is counted with native numerals (세 시), up to 99. 번 counts times, but 번 버스 names a line.
_COUNTER = (
    r"(?P<gap> ?)(?:시간|시|개|명|마리|살|잔|권|장|병|대|벌|켤레|그루|송이|가지|군데|달|사람|줄|판|그릇|곳"
    r"|번(?! ?(?:버스|출구|문제|국도)))"
)
_COUNTED = re.compile(r"(?<![\d.])(?P<number>\d{1,2})(?=" + _COUNTER + ")")
#: 3·1절, 6·25: read digit by digit.
_MEMORABLE = re.compile(r"(?<!\d)(\d{1,2})·(\d{1,2})(?!\d)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SIGNS = {
    "%": "퍼센트", "℃": "도", "°": "도", "&": " 앤드 ", "+": " 더하기 ", "=": " 는 ", "@": " 골뱅이 ",
    "$": "달러", "₩": "원",
}  # fmt: skip
_UNIT_WORDS = {
    "km": "킬로미터",
    "cm": "센티미터",
    "mm": "밀리미터",
    "kg": "킬로그램",
    "m": "미터",
    "g": "그램",
    "L": "리터",
}
_UNIT = re.compile(r"(?<=\d) ?(km|cm|mm|kg|m|g|L)(?![A-Za-z])")
_LETTERS = {
    "A": "에이", "B": "비", "C": "씨", "D": "디", "E": "이", "F": "에프", "G": "지", "H": "에이치",
    "I": "아이", "J": "제이", "K": "케이", "L": "엘", "M": "엠", "N": "엔", "O": "오", "P": "피", "Q": "큐",
    "R": "알", "S": "에스", "T": "티", "U": "유", "V": "브이", "W": "더블유", "X": "엑스",
    "Y": "와이", "Z": "제트",
}  # fmt: skip
#: The two months that lost a consonant: 유월, 시월.
_MONTHS = (re.compile(r"(?<!\d)6월"), "유월"), (re.compile(r"(?<!\d)10월"), "시월")
_LATIN = re.compile(r"[A-Za-z]")


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
    text = clean_thousands(text).sub(_UNIT, lambda match: _UNIT_WORDS[match.group(1)])
    text = text.each(lambda letter: _SIGNS.get(letter, letter))
    text = text.sub(_MEMORABLE, lambda match: digits_in(match[1] + match[2], _DIGITS))
    for month, name in _MONTHS:
        text = text.sub(month, name)
    text = text.sub(_COUNTED, lambda match: _native(int(match["number"])) + " " * (match["gap"] == ""))
    text = text.sub(_NUMBER, lambda match: number(match.group()))
    return text.sub(_LATIN, lambda match: _LETTERS[match.group().upper()])


def number(digits: str) -> str:
    """Sino-Korean: ``12000`` → 만이천, ``3.5`` → 삼점오; a leading zero or endless: digit by digit."""
    whole, _, fraction = digits.partition(".")
    myriads = grouped_by_myriads(whole, len(_MYRIADS))
    if myriads is None:
        read = digits_in(whole, _DIGITS)
    else:
        parts = [_below_myriad(value) + _MYRIADS[index] for index, value in myriads if value]
        read = "".join(parts) or _DIGITS[0]
        if read.startswith("일만"):
            read = read[1:]
    return f"{read}점{digits_in(fraction, _DIGITS)}" if fraction else read


def _below_myriad(value: int) -> str:
    read = ""
    for power in (3, 2, 1, 0):
        digit = value // 10**power % 10
        if digit:
            read += ("" if digit == 1 and power else _DIGITS[digit]) + _UNITS[power]
    return read


def _native(value: int) -> str:
    if value == 0:
        return _DIGITS[0]
    if value == 20:
        return "스무"
    return _NATIVE_TENS[value // 10] + _NATIVE_ONES[value % 10]
