"""Quantities that all languages write alike, found once and named by each: dates, clocks, phones, money.

A language gives its `Names`. What they give may hold digits, which are read afterwards by the language's own
rules for numbers; digits that are said one by one must be spelt out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from components.text.traced import Traced

_DATE = re.compile(
    r"(?<![\d.\-/])(\d{4})([-./])(0?[1-9]|1[0-2])\2(0?[1-9]|[12]\d|3[01])(?![\d\-/]|\.\d)(?:\.(?=\s|$))?"
)
_CLOCK = re.compile(r"(?<![\d:.])([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?![\d:])")
#: Groups joined by hyphens, the last of four digits: 010-1234-5678, +82 10-1234-5678, 555-0123.
_PHONE = re.compile(
    r"(?<![\d\-.])(?:\+\d{1,3}[- ])?(?:\(?0?\d{1,3}\)?[- ])?\d{3,4}-\d{4}(?:\d{3,4})?(?![\d\-])"
)
_FRACTION = re.compile(r"(?<![\d/.])(\d{1,3})[/⁄](\d{1,3})(?![\d/])")
_RANGE = re.compile(
    r"(?<![\d\-~])(\d+(?:\.\d+)?) ?[~〜–] ?(?=\d)|(?<![\d\-~.A-Za-z])(\d{1,3})-(?=\d{1,3}(?![\d\-]))"
)
_BELOW_ZERO = re.compile(r"(?:(?<=^)|(?<=[^\w.]))[-−](?=\d+(?:\.\d+)? ?(?:°|도|度|degrees))")
_NEGATIVE = re.compile(r"(?:(?<=^)|(?<=[^\w.]))[-−](?=\d)")
_CURRENCY = re.compile(r"(?P<sign>[$€£¥₩]) ?(?P<amount>\d+(?:\.\d+)?)|(?<=\d)(?P<after>[$€£¥₩])")
_UNIT = re.compile(
    r"(?:(?<=\d)|(?<=\d ))(km/h|m/s|km2|m2|m3|km|cm|mm|kg|mg|m[Ll]|kW|kHz|MHz|GHz|Hz|KB|MB|GB|TB|°C|°F"
    r"|m|g|L|°)(?![A-Za-z\d])"
)


@dataclass(frozen=True)
class Names:
    """How a language says quantities.

    Attributes:
        date: of year, month and day, without leading zeros.
        clock: of hour (no leading zero), minute and second (two digits; "" for no second).
        phone: of the number as written.
        fraction: of numerator and denominator.
        range_from: of the number that a range begins with; the other follows.
        below_zero: the sign before a temperature.
        negative: the sign before any other number.
        money: of the currency sign and the amount, "" where the amount stands before the sign.
        units: by their written form; one that is missing stays as it is.
    """

    date: Callable[[str, str, str], str]
    clock: Callable[[str, str, str], str]
    phone: Callable[[str], str]
    fraction: Callable[[str, str], str]
    range_from: Callable[[str], str]
    below_zero: str
    negative: str
    money: Callable[[str, str], str]
    units: Mapping[str, str]


def named(text: Traced, names: Names) -> Traced:
    """Quantities in the language's words; a date is tried before a fraction, a phone before a range."""
    text = text.sub(_DATE, lambda m: names.date(m[1], str(int(m[3])), str(int(m[4]))))
    text = text.sub(_PHONE, lambda m: names.phone(m.group()))
    text = text.sub(_CLOCK, lambda m: names.clock(str(int(m[1])), m[2], m[3] or ""))
    text = text.sub(_BELOW_ZERO, names.below_zero).sub(_NEGATIVE, names.negative)
    text = text.sub(_CURRENCY, lambda m: names.money(m["sign"] or m["after"], m["amount"] or ""))
    text = text.sub(_FRACTION, lambda m: names.fraction(m[1], m[2]))
    text = text.sub(_RANGE, lambda m: names.range_from(m[1] or m[2]))
    return text.sub(_UNIT, lambda m: names.units.get(m[1], m.group()))
