"""English orthography with numbers and signs in words; espeak-ng's en-us dictionary reads the rest."""

from __future__ import annotations

import re

from components.text.numerals import clean_thousands

_CLOCK = re.compile(r"(?<!\d)(\d{1,2}):(\d{2})(?!\d)")
_ORDINAL = re.compile(r"(?<!\d)(\d+)(?:st|nd|rd|th)\b")
#: 1999, but neither $1999 nor 1,999.
_YEAR = re.compile(r"(?<![\d.,$])(?:1[1-9]|20)\d{2}(?![\d]|[.,]\d)")
_MONEY = re.compile(r"\$(\d+(?:\.\d+)?)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SIGNS = {
    "%": " percent",
    "&": " and ",
    "+": " plus ",
    "=": " equals ",
    "@": " at ",
    "°": " degrees ",
    "$": " dollars ",
}
_LONGEST = 27


def spoken(text: str) -> str:
    """``at 8:15 in 1999`` → ``at eight fifteen in nineteen ninety-nine``."""
    from num2words import num2words

    text = _YEAR.sub(lambda match: str(num2words(int(match.group()), to="year")), text)
    text = _MONEY.sub(r"\1 dollars", _CLOCK.sub(_clock, clean_thousands(text)))
    text = _ORDINAL.sub(lambda match: _words(match.group(1), "ordinal"), text)
    text = _NUMBER.sub(lambda match: _words(match.group(), "cardinal"), text)
    for sign, word in _SIGNS.items():
        text = text.replace(sign, word)
    return re.sub(r" {2,}", " ", text).strip()


def _clock(match: re.Match[str]) -> str:
    minutes = match[2]
    if minutes == "00":
        return f"{match[1]} o'clock"
    return f"{match[1]} {'oh ' if minutes[0] == '0' else ''}{int(minutes)}"


def _words(digits: str, kind: str) -> str:
    """Numbers longer than num2words can name are read digit by digit."""
    from decimal import Decimal

    from num2words import num2words

    if len(digits) > _LONGEST or (len(digits) > 1 and digits[0] == "0" and digits[1] != "."):
        return " ".join("point" if digit == "." else str(num2words(int(digit))) for digit in digits)
    return str(num2words(Decimal(digits) if "." in digits else int(digits), to=kind))
