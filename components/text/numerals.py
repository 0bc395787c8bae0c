"""What the languages share in reading digits."""

from __future__ import annotations

import re
import unicodedata

from components.text.traced import Traced

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def clean_thousands(text: Traced) -> Traced:
    """Every decimal digit as ASCII, and ``12,000`` as ``12000``."""
    return text.each(_ascii_digit).sub(_THOUSANDS, "")


def _ascii_digit(letter: str) -> str:
    value = unicodedata.decimal(letter, None)
    return letter if value is None else str(value)


def digits_in(digits: str, names: str) -> str:
    """Digit by digit: names[0] is the name of zero."""
    return "".join(names[int(digit)] for digit in digits)


def grouped_by_myriads(digits: str, groups: int) -> list[tuple[int, int]] | None:
    """(power of 10,000, value), the largest first; None for a leading zero or a number too long to read."""
    if (len(digits) > 1 and digits[0] == "0") or len(digits) > 4 * groups:
        return None
    value = int(digits)
    return [(power, value // 10_000**power % 10_000) for power in reversed(range(groups))]
