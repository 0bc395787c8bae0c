"""Whether a text can be what is said in a recording: its pace, and the script it is written in."""

from __future__ import annotations

import unicodedata

_HANGUL = ((0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97F), (0xAC00, 0xD7FF))
_KANA = ((0x3041, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F))
_HAN = (
    (0x2E80, 0x2FDF),
    (0x3005, 0x3007),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x323AF),
)
_LATIN = ((0x41, 0x5A), (0x61, 0x7A), (0xAA, 0xAA), (0xBA, 0xBA), (0xC0, 0x24F), (0x1E00, 0x1EFF))
_CYRILLIC = ((0x400, 0x52F),)

#: The scripts that a language is written in. Han characters alone do not tell Chinese from Japanese.
SCRIPTS: dict[str, tuple[tuple[int, int], ...]] = {
    "ko": _HANGUL,
    "ja": _KANA + _HAN,
    "zh": _HAN,
    "en": _LATIN,
    "it": _LATIN,
    "es": _LATIN,
    "fr": _LATIN,
    "ru": _CYRILLIC,
}


def characters(text: str) -> int:
    """Letters and digits; spaces and punctuation take no time to say."""
    return sum(unicodedata.category(character)[0] in "LN" for character in text)


def characters_per_second(text: str, seconds: float) -> float:
    """Pace; 0 for a recording without length."""
    return characters(text) / seconds if seconds > 0 else 0.0


def script_share(text: str, language: str) -> float:
    """Share of the letters that are of the language's script; 1 without letters or a language."""
    letters = [ord(character) for character in text if unicodedata.category(character)[0] == "L"]
    if not letters or language not in SCRIPTS:
        return 1.0
    own = sum(any(low <= letter <= high for low, high in SCRIPTS[language]) for letter in letters)
    return own / len(letters)
