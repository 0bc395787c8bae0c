"""Numbers, quantities, abbreviations and signs in English words: 8:15 → eight fifteen, $5.50, Dr., 1/2."""

from __future__ import annotations

import re
from decimal import Decimal

from components.text.quantities import Names, named
from components.text.traced import Traced

_ORDINAL = re.compile(r"(?<!\d)(\d+)(?:st|nd|rd|th)\b")
#: 1999, but neither $1999 nor 1,999.
_YEAR = re.compile(r"(?<![\d.,$€£¥₩/~–-])(?:1[1-9]|20)\d{2}(?![\d/~–-]|[.,:]\d)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_ONE_UNIT = re.compile(
    r"(?<![\d.])(1 +(?:square |cubic )?)(kilometer|centimeter|millimeter|meter|kilogram|milligram|gram|liter"
    r"|milliliter|kilowatt|kilobyte|megabyte|gigabyte|terabyte|degree)s\b"
)
_ABBREVIATIONS = {
    "mr": "mister", "mrs": "missus", "ms": "miz", "dr": "doctor", "prof": "professor", "jr": "junior",
    "sr": "senior", "vs": "versus", "etc": "et cetera", "approx": "approximately", "dept": "department",
    "est": "established", "min": "minutes", "hr": "hours", "e.g": "for example", "i.e": "that is",
    "a.m": "A M", "p.m": "P M",
}  # fmt: skip
_ABBREVIATION = re.compile(r"\b(?:" + "|".join(map(re.escape, _ABBREVIATIONS)) + r")\.(?!\w)", re.IGNORECASE)
#: U.S., Ph.D.: letters with points between them.
_INITIALS = re.compile(r"(?<![A-Za-z.])(?:[A-Za-z]{1,2}\.){2,}")
_DOT = re.compile(r"(?<=[A-Za-z]{2})\.(?=[a-z]{2})")
#: The 1990s.
_DECADE = re.compile(r"(?<!\d)((?:1[1-9]|20)\d0)s\b")
#: 5G, A4.
_LETTER_MEETS_DIGIT = re.compile(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")
_NO = re.compile(r"\bNo\. ?(?=\d)")
_SCORE = re.compile(r"(?<=\d) ?: ?(?=\d)")
_SIGNS = {
    "%": " percent", "&": " and ", "+": " plus ", "×": " times ", "÷": " divided by ", "=": " equals ",
    "@": " at ", "#": " number ", "~": " to ",
}  # fmt: skip
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
_MONEY = {
    "$": ("dollar", "dollars", "cent"), "€": ("euro", "euros", "cent"), "£": ("pound", "pounds", "penny"),
    "¥": ("yen", "yen", ""), "₩": ("won", "won", ""),
}  # fmt: skip
_MANY_CENTS = {"cent": "cents", "penny": "pence"}
_UNIT_WORDS = {
    "km/h": " kilometers per hour", "m/s": " meters per second", "km2": " square kilometers",
    "m2": " square meters", "m3": " cubic meters", "km": " kilometers", "cm": " centimeters",
    "mm": " millimeters", "m": " meters", "kg": " kilograms", "mg": " milligrams", "g": " grams",
    "L": " liters", "mL": " milliliters", "ml": " milliliters", "kW": " kilowatts", "kHz": " kilohertz",
    "MHz": " megahertz", "GHz": " gigahertz", "Hz": " hertz", "KB": " kilobytes", "MB": " megabytes",
    "GB": " gigabytes", "TB": " terabytes", "°C": " degrees Celsius", "°F": " degrees Fahrenheit",
    "°": " degrees",
}  # fmt: skip
_HALVES = {"2": ("half", "halves"), "4": ("quarter", "quarters")}
#: Denominators up to here are named by their ordinal (three eighths), larger ones with "over".
_LARGEST_NAMED = 20
_LONGEST = 27


def in_words(text: Traced) -> Traced:
    """Every number, sign and abbreviation in words; digits are ASCII without thousands separators."""
    text = text.sub(_ABBREVIATION, lambda match: _ABBREVIATIONS[match.group()[:-1].lower()])
    text = text.sub(_NO, "number ").sub(_INITIALS, lambda match: match.group().replace(".", " ").strip())
    text = named(text, _NAMES).sub(_ONE_UNIT, r"\1\2").sub(_SCORE, " to ")
    text = text.sub(_ORDINAL, lambda match: _words(match.group(1), "ordinal")).sub(_DOT, " dot ")
    text = text.sub(_LETTER_MEETS_DIGIT, " ")
    text = text.sub(_NUMBER, lambda match: _words(match.group(), "cardinal"))
    return text.each(lambda letter: _SIGNS.get(letter, letter))


def years_in_words(text: Traced) -> Traced:
    """``1999`` → nineteen ninety-nine; before thousands separators go, as 1,999 is no year."""
    text = text.sub(_DECADE, lambda match: _plural(_words(match[1], "year")))
    return text.sub(_YEAR, lambda match: _words(match.group(), "year"))


def _plural(words: str) -> str:
    return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"


def _words(digits: str, kind: str) -> str:
    """Numbers longer than num2words can name are read digit by digit."""
    from num2words import num2words

    if len(digits) > _LONGEST or (len(digits) > 1 and digits[0] == "0" and digits[1] != "."):
        return " ".join("point" if digit == "." else str(num2words(int(digit))) for digit in digits)
    return str(num2words(Decimal(digits) if "." in digits else int(digits), to=kind)).replace(",", "")


def _clock(hour: str, minute: str, second: str) -> str:
    if second:
        return f"{hour} hours {int(minute)} minutes {int(second)} seconds"
    if minute == "00":
        return f"{hour} o'clock"
    return f"{hour} {'oh ' if minute[0] == '0' else ''}{int(minute)}"


def _date(year: str, month: str, day: str) -> str:
    return f"{_MONTHS[int(month) - 1]} {day}th, {_words(year, 'year')}"


def _phone(written: str) -> str:
    groups = re.findall(r"\d+", written)
    return ", ".join(" ".join(_words(digit, "cardinal") for digit in group) for group in groups)


def _fraction(above: str, below: str) -> str:
    if not 1 < int(below) <= _LARGEST_NAMED:
        return f"{above} over {below}"
    ordinal = _words(str(int(below)), "ordinal")
    one, many = _HALVES.get(below, (ordinal, f"{ordinal}s"))
    return f"{above} {one if above == '1' else many}"


def _money(sign: str, amount: str) -> str:
    one, many, cent = _MONEY[sign]
    if not amount:
        return f" {many}"
    whole, _, part = amount.partition(".")
    named_whole = f"{whole} {one if whole == '1' else many}"
    if cent and len(part) == len("00"):
        cents = f"{int(part)} {cent if int(part) == 1 else _MANY_CENTS[cent]}"
        if int(whole) == 0:
            return cents
        return f"{named_whole} and {cents}" if int(part) else named_whole
    return f"{amount} {many}" if part else named_whole


_NAMES = Names(
    date=_date,
    clock=_clock,
    phone=_phone,
    fraction=_fraction,
    range_from=lambda first: f"{first} to ",
    below_zero="minus ",
    negative="minus ",
    money=_money,
    units=_UNIT_WORDS,
)
