"""Pinyin syllables ↔ initial and final with tone, the Mandarin symbols."""

from __future__ import annotations

import re

_INITIALS = ("zh", "ch", "sh", *"bpmfdtnlgkhjqxrzcs")
#: Finals that pinyin shortens after an initial, in full (Scheme for the Chinese Phonetic Alphabet, 1958).
_FULL = {"iu": "iou", "ui": "uei", "un": "uen"}
#: What stands for a final that begins a syllable: yi, wu, yu are the vowels i, u, ü.
_ZERO = {
    "yi": "i", "ya": "ia", "ye": "ie", "yao": "iao", "you": "iou", "yan": "ian", "yin": "in", "yang": "iang",
    "ying": "ing", "yong": "iong", "yo": "io", "yai": "iai", "wu": "u", "wa": "ua", "wo": "uo", "wai": "uai",
    "wei": "uei", "wan": "uan", "wen": "uen", "wang": "uang", "weng": "ueng", "wong": "ueng",
    "yu": "v", "yue": "ve", "yuan": "van", "yun": "vn",
}  # fmt: skip
_SPELT_ZERO = {final: spelling for spelling, final in _ZERO.items() if spelling not in ("wong", "yai")}
_SHORT = {full: short for short, full in _FULL.items()}
_SYLLABLE = re.compile(r"(?P<letters>[a-zê]+)(?P<tone>[1-5])")


def is_syllable(text: str) -> bool:
    """Whether it is pinyin with a tone digit: letters that Mandarin spells, ``nv3`` for nǚ."""
    return bool(_SYLLABLE.fullmatch(text))


def symbols_of(syllable: str) -> tuple[str, ...]:
    """``liang3`` → ``l iang3``; ``zi5`` → ``z ii5``, ``zhi1`` → ``zh iii1``, ``yu2`` → ``v2``.

    ``ii`` is the buzzed vowel after z c s, ``iii`` the one after zh ch sh r; neither is the [i] of ``i``.

    Raises:
        ValueError: no syllable with a tone digit.
    """
    found = _SYLLABLE.fullmatch(syllable)
    if found is None:
        raise ValueError(syllable)
    letters, tone = found["letters"], found["tone"]
    if letters in _ZERO:
        return (_ZERO[letters] + tone,)
    initial = next((i for i in _INITIALS if letters.startswith(i) and len(letters) > len(i)), "")
    final = letters[len(initial) :]
    if initial in ("j", "q", "x") and final[0] == "u":
        final = "v" + final[1:]
    elif final == "i" and initial:
        final = {"z": "ii", "c": "ii", "s": "ii", "zh": "iii", "ch": "iii", "sh": "iii", "r": "iii"}.get(
            initial, "i"
        )
    final = _FULL.get(final, final) if initial not in ("j", "q", "x") or final == "iu" else final
    return (initial, final + tone) if initial else (final + tone,)


def syllable_of(symbols: tuple[str, ...]) -> str:
    """The syllable that these symbols spell: the inverse of `symbols_of`."""
    initial, final, tone = ("", *symbols)[-2], symbols[-1][:-1], symbols[-1][-1]
    if not initial:
        return _SPELT_ZERO.get(final, final) + tone
    if initial in ("j", "q", "x") and final[0] == "v":
        return initial + "u" + final[1:] + tone
    return initial + {"ii": "i", "iii": "i"}.get(final, _SHORT.get(final, final)) + tone
