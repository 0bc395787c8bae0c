"""Mandarin: Hanzi → pinyin with tone digits, which is what espeak-ng reads reliably (``cmn-latn-pinyin``)."""

from __future__ import annotations

import re

from components.text.numerals import clean_thousands, digits_in, grouped_by_myriads

_DIGITS = "零一二三四五六七八九"
_UNITS = ("", "十", "百", "千")
_MYRIADS = ("", "万", "亿", "兆")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")
_YEAR = re.compile(r"(?<!\d)\d{4}(?=年)")
#: 2 before a measure word is 两.
_TWO = re.compile(r"(?<![\d.])2(?=个|只|杯|份|张|本|位|条|件|次|天|点|块|年|岁|辆|座|把|双|家|小时|公里)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SIGNS = {"℃": "摄氏度", "°": "度", "+": "加", "=": "等于", "&": "和", "$": "美元", "¥": "元", "@": "艾特"}
#: Latin letters as Mandarin speakers spell them, in pinyin.
_LETTERS = {
    "A": "ei1", "B": "bi4", "C": "xi1", "D": "di4", "E": "yi4", "F": "ai2 fu5", "G": "ji4", "H": "ei2 chi5",
    "I": "ai4", "J": "jie4", "K": "kei4", "L": "ai2 le5", "M": "ai2 mu5", "N": "en1", "O": "ou1", "P": "pi4",
    "Q": "kiu1", "R": "a1 er5", "S": "ai2 si5", "T": "ti4", "U": "you1", "V": "wei1", "W": "da2 bu5 liu5",
    "X": "ai2 ke5 si5", "Y": "wai4", "Z": "zei4",
}  # fmt: skip
_PAUSES = str.maketrans(
    {"，": ",", "、": ",", "；": ",", "：": ",", "。": ".", "！": "!", "？": "?", "…": "."}
)


def spoken(text: str) -> str:
    """``今天很好。`` → ``jin1 tian1 hen2 hao3 .``: tone sandhi applied, neutral tone 5, ü as v."""
    from pypinyin import Style, lazy_pinyin

    readings: list[str] = lazy_pinyin(
        _in_words(text),
        style=Style.TONE3,
        neutral_tone_with_five=True,
        tone_sandhi=True,
        errors=_other,
    )
    return " ".join(" ".join(readings).split())


def _other(rest: str) -> str:
    """Pinyin of Latin letters; punctuation as espeak-ng knows it; the rest as it is."""
    return " ".join(_LETTERS.get(letter.upper(), letter) for letter in rest.translate(_PAUSES))


def _in_words(text: str) -> str:
    text = clean_thousands(text)
    text = _PERCENT.sub(r"百分之\1", text)
    text = _YEAR.sub(lambda match: digits_in(match.group(), _DIGITS), text)
    for sign, word in _SIGNS.items():
        text = text.replace(sign, word)
    text = _TWO.sub("两", text)
    return _NUMBER.sub(lambda match: number(match.group()), text)


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
