"""Numbers and quantities in Korean words, not yet pronounced: 12000 → 만이천, 3시 → 세 시, 010 → 공일공."""

from __future__ import annotations

import re

from components.text.numerals import digits_in, grouped_by_myriads
from components.text.quantities import Names, named
from components.text.traced import Traced

_DIGITS = "영일이삼사오육칠팔구"
_PHONE_DIGITS = "공일이삼사오육칠팔구"
_UNITS = ("", "십", "백", "천")
_MYRIADS = ("", "만", "억", "조", "경")
_NATIVE_ONES = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
_NATIVE_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
#: What is counted with native numerals, up to 99. 번 counts times, but 번 버스 names a line; 개월 is no 개.
_COUNTER = (
    r"(?P<gap> ?)(?:시간|개(?![월국년소])|명|마리|살|잔|권|장|병|대|벌|켤레|그루|송이|가지|군데|달(?!러)"
    r"|사람|줄|판|그릇|곳|번(?! ?(?:버스|출구|문제|국도)))"
)
_COUNTED = re.compile(r"(?<![\d.])(?P<number>\d{1,2})(?=" + _COUNTER + ")")
#: Hours are native up to twelve (세 시), Sino-Korean after (십오 시).
_HOUR = re.compile(r"(?<![\d.])(?P<number>\d|1[0-2])(?=(?P<gap> ?)시(?!간))")
_FIRST = re.compile(r"(?<!\d)1(?=(?P<gap> ?)번째)")
_SCORE = re.compile(r"(\d+) ?: ?(\d+)")
#: 3·1절, 6·25: read digit by digit.
_MEMORABLE = re.compile(r"(?<!\d)(\d{1,2})·(\d{1,2})(?!\d)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
#: The two months that lost a consonant: 유월, 시월.
_MONTHS = (re.compile(r"(?<!\d)6월"), "유월"), (re.compile(r"(?<!\d)10월"), "시월")
_MONEY = {"$": "달러", "€": "유로", "£": "파운드", "¥": "엔", "₩": "원"}
_UNIT_WORDS = {
    "km/h": "킬로미터 퍼 아워", "m/s": "미터 퍼 세컨드", "km2": "제곱킬로미터", "m2": "제곱미터",
    "m3": "세제곱미터", "km": "킬로미터", "cm": "센티미터", "mm": "밀리미터", "m": "미터", "kg": "킬로그램",
    "mg": "밀리그램", "g": "그램", "L": "리터", "mL": "밀리리터", "ml": "밀리리터", "kW": "킬로와트",
    "kHz": "킬로헤르츠", "MHz": "메가헤르츠", "GHz": "기가헤르츠", "Hz": "헤르츠", "KB": "킬로바이트",
    "MB": "메가바이트", "GB": "기가바이트", "TB": "테라바이트", "°C": "도", "°F": "화씨도", "°": "도",
}  # fmt: skip


def in_words(text: Traced) -> Traced:
    """Every number of the text in words; its digits are ASCII without thousands separators."""
    text = (
        named(text, _NAMES)
        .sub(_SCORE, lambda m: f"{number(m[1])} 대 {number(m[2])}")
        .sub(_MEMORABLE, lambda match: digits_in(match[1] + match[2], _DIGITS))
    )
    for month, name in _MONTHS:
        text = text.sub(month, name)
    text = text.sub(_FIRST, lambda match: "첫" + " " * (match["gap"] == ""))
    for counted in (_HOUR, _COUNTED):
        text = text.sub(counted, lambda match: _native(int(match["number"])) + " " * (match["gap"] == ""))
    return text.sub(_NUMBER, lambda match: number(match.group()))


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


def _clock(hour: str, minute: str, second: str) -> str:
    said = f"{hour}시" + (f" {int(minute)}분" if minute != "00" or second else "")
    return said + (f" {int(second)}초" if second else "")


def _phone(written: str) -> str:
    groups = re.findall(r"\d+", written)
    return " ".join(digits_in(group, _PHONE_DIGITS) for group in groups)


_NAMES = Names(
    date=lambda year, month, day: f"{year}년 {month}월 {day}일",
    clock=_clock,
    phone=_phone,
    fraction=lambda above, below: f"{below}분의 {above}",
    range_from=lambda first: f"{first}에서 ",
    below_zero="영하 ",
    negative="마이너스 ",
    money=lambda sign, amount: f"{amount} {_MONEY[sign]}" if amount else _MONEY[sign],
    units=_UNIT_WORDS,
)
