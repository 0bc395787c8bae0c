"""Numbers, quantities and signs in Hanzi: 350 → 三百五十, 2个 → 两个, 12:30 → 十二点三十分, 138… → 幺三八…"""

from __future__ import annotations

import re

from components.text.numerals import digits_in, grouped_by_myriads
from components.text.quantities import Names, named
from components.text.traced import Traced

_DIGITS = "零一二三四五六七八九"
#: On the phone 一 is 幺, which no other digit sounds like.
_PHONE_DIGITS = "零幺二三四五六七八九"
_UNITS = ("", "十", "百", "千")
_MYRIADS = ("", "万", "亿", "兆")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")
_YEAR = re.compile(r"(?<!\d)\d{4}(?=年)")
_MOBILE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
#: 2 before a measure word is 两.
_TWO = re.compile(
    r"(?<![\d.第])2(?= ?(?:[个只杯份张本位条件次天点块年岁辆座把双家米口头种碗瓶场节层部台元千万亿]"
    r"|小时|公里|公斤|千克))"
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SCORE = re.compile(r"(?<=\d) ?: ?(?=\d)")
_SIGNS = {"+": "加", "×": "乘以", "÷": "除以", "=": "等于", "&": "和", "@": "艾特", "#": "井号", "~": "到"}
_MONEY = {"$": "美元", "€": "欧元", "£": "英镑", "¥": "元", "₩": "韩元"}
_UNIT_WORDS = {
    "km/h": "公里每小时", "m/s": "米每秒", "km2": "平方公里", "m2": "平方米", "m3": "立方米", "km": "公里",
    "cm": "厘米", "mm": "毫米", "m": "米", "kg": "公斤", "mg": "毫克", "g": "克", "L": "升",
    "mL": "毫升", "ml": "毫升", "kW": "千瓦", "kHz": "千赫", "MHz": "兆赫", "GHz": "吉赫", "Hz": "赫兹",
    "°C": "摄氏度", "°F": "华氏度", "°": "度",
}  # fmt: skip


def in_words(text: Traced) -> Traced:
    """Every number and sign of the text in Hanzi; its digits are ASCII without thousands separators."""
    text = text.sub(_MOBILE, lambda match: _phone(match.group()))
    text = named(text, _NAMES).sub(_SCORE, "比").sub(_PERCENT, r"百分之\1")
    text = text.sub(_YEAR, lambda match: digits_in(match.group(), _DIGITS))
    text = text.each(lambda letter: _SIGNS.get(letter, letter)).sub(_TWO, "两")
    return text.sub(_NUMBER, lambda match: number(match.group()))


def number(digits: str) -> str:
    """``350`` → 三百五十, ``1008`` → 一千零八, ``3.5`` → 三点五; leading zero or endless: digit by digit."""
    whole, _, fraction = digits.partition(".")
    myriads = grouped_by_myriads(whole, len(_MYRIADS))
    read = digits_in(whole, _DIGITS) if myriads is None else _cardinal(myriads)
    return f"{read}点{digits_in(fraction, _DIGITS)}" if fraction else read


def _cardinal(myriads: list[tuple[int, int]]) -> str:
    read = ""
    for power, value in myriads:
        if value:
            gap = read and value < 1000
            read += ("零" if gap else "") + _below_myriad(value) + _MYRIADS[power]
    if read.startswith("一十"):
        read = read[1:]
    return read or _DIGITS[0]


def _below_myriad(value: int) -> str:
    read, gap = "", False
    for power in (3, 2, 1, 0):
        digit = value // 10**power % 10
        if digit:
            read += ("零" if gap and read else "") + _DIGITS[digit] + _UNITS[power]
        gap = digit == 0
    return read


def _clock(hour: str, minute: str, second: str) -> str:
    said = f"{'两' if hour == '2' else hour}点"
    if minute != "00" or second:
        said += f"{_padded(minute)}分"
    return said + (f"{_padded(second)}秒" if second else "")


def _padded(two_digits: str) -> str:
    """``05`` → 零五, ``30`` → 30 (read later)."""
    return digits_in(two_digits, _DIGITS) if two_digits[0] == "0" else two_digits


def _phone(written: str) -> str:
    groups = re.findall(r"\d+", written)
    return " ".join(digits_in(group, _PHONE_DIGITS) for group in groups)


_NAMES = Names(
    date=lambda year, month, day: f"{year}年{month}月{day}日",
    clock=_clock,
    phone=_phone,
    fraction=lambda above, below: f"{below}分之{above}",
    range_from=lambda first: f"{first}到",
    below_zero="零下",
    negative="负",
    money=lambda sign, amount: f"{amount}{_MONEY[sign]}",
    units=_UNIT_WORDS,
)
