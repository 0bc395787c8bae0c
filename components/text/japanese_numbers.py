"""Quantities that Open JTalk reads amiss, in the form that it reads right: 8:15 → 8時15分, ¥500 → 500円.

Plain numbers, counters, most units and Latin letters are Open JTalk's own business.
"""

from __future__ import annotations

import re

from components.text.quantities import Names, named
from components.text.traced import Traced

_PHONE_DIGITS = ("ゼロ", "イチ", "ニー", "サン", "ヨン", "ゴー", "ロク", "ナナ", "ハチ", "キュー")
_MOBILE = re.compile(r"(?<!\d)0\d{9,10}(?!\d)")
_SCORE = re.compile(r"(?<=\d) ?: ?(?=\d)")
_SPACED_UNIT = re.compile(r"(?<=\d) (?=(?:[kcm]?m|[km]?g)(?![A-Za-z]))")
_SIGNS = {
    "+": "プラス", "×": "かける", "÷": "わる", "=": "イコール", "@": "アットマーク", "#": "シャープ",
    "~": "から",
}  # fmt: skip
_MONEY = {"$": "ドル", "€": "ユーロ", "£": "ポンド", "¥": "円", "₩": "ウォン"}
_UNIT_WORDS = {
    "km/h": "キロメートル毎時", "m/s": "メートル毎秒", "km2": "平方キロメートル", "m2": "平方メートル",
    "m3": "立方メートル", "mL": "ミリリットル", "ml": "ミリリットル", "kHz": "キロヘルツ",
    "MHz": "メガヘルツ", "GHz": "ギガヘルツ", "Hz": "ヘルツ", "KB": "キロバイト", "MB": "メガバイト",
    "GB": "ギガバイト", "TB": "テラバイト", "kW": "キロワット", "L": "リットル", "m": "メートル",
    "g": "グラム", "°C": "度", "°F": "度", "°": "度",
}  # fmt: skip


def in_words(text: Traced) -> Traced:
    """Quantities with their names; digits stay where Open JTalk reads them."""
    text = text.sub(_MOBILE, lambda match: _phone(match.group()))
    return (
        named(text.sub(_SPACED_UNIT, ""), _NAMES)
        .sub(_SCORE, "たい")
        .each(lambda letter: _SIGNS.get(letter, letter))
    )


def _clock(hour: str, minute: str, second: str) -> str:
    said = f"{hour}時" + (f"{int(minute)}分" if minute != "00" or second else "")
    return said + (f"{int(second)}秒" if second else "")


def _phone(written: str) -> str:
    groups = re.findall(r"\d+", written)
    return "、".join("".join(_PHONE_DIGITS[int(digit)] for digit in group) for group in groups)


_NAMES = Names(
    date=lambda year, month, day: f"{year}年{month}月{day}日",
    clock=_clock,
    phone=_phone,
    fraction=lambda above, below: f"{below}分の{above}",
    range_from=lambda first: f"{first}から",
    below_zero="マイナス",
    negative="マイナス",
    money=lambda sign, amount: f"{amount}{_MONEY[sign]}",
    units=_UNIT_WORDS,
)
