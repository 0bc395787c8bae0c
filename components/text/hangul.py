"""Precomposed Hangul syllables in parts, and the conjoining jamo that are the Korean symbols."""

from __future__ import annotations

ONSETS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
CODAS = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
#: A syllable without coda.
NONE = " "
TENSED = {"ㄱ": "ㄲ", "ㄷ": "ㄸ", "ㅂ": "ㅃ", "ㅅ": "ㅆ", "ㅈ": "ㅉ"}
_FIRST = ord("가")
#: The first conjoining onset and vowel of Unicode, and the place before the first coda.
_ONSET_JAMO, _VOWEL_JAMO, _CODA_JAMO = 0x1100, 0x1161, 0x11A7
_SILENT = ONSETS.index("ㅇ")


def parts(syllable: str) -> tuple[str, str, str]:
    """Onset, vowel and coda: 값 → ㄱ ㅏ ㅄ."""
    index = ord(syllable) - _FIRST
    return ONSETS[index // 588], VOWELS[index // 28 % 21], CODAS[index % 28]


def compose(onset: str, vowel: str, coda: str) -> str:
    """The syllable of three parts."""
    return chr(_FIRST + (ONSETS.index(onset) * 21 + VOWELS.index(vowel)) * 28 + CODAS.index(coda))


def coda(syllable: str) -> str:
    """The coda as written, `NONE` if there is none."""
    return parts(syllable)[2]


def with_onset(syllable: str, onset: str) -> str:
    """The syllable with another onset."""
    return compose(onset, *parts(syllable)[1:])


def tensed(syllable: str) -> str:
    """The syllable with its lax onset tensed; any other stays."""
    onset = parts(syllable)[0]
    return with_onset(syllable, TENSED.get(onset, onset))


def jamo(syllable: str) -> tuple[str, ...]:
    """The conjoining jamo of a pronounced syllable: 강 → ᄀ ᅡ ᆼ; the silent onset ㅇ gives none."""
    tables = (ONSETS, VOWELS, CODAS)
    onset, vowel, coda = (t.index(part) for t, part in zip(tables, parts(syllable), strict=True))
    sounds = [chr(_ONSET_JAMO + onset)] if onset != _SILENT else []
    sounds.append(chr(_VOWEL_JAMO + vowel))
    return (*sounds, chr(_CODA_JAMO + coda)) if coda else tuple(sounds)


def syllables(symbols: tuple[str, ...]) -> str:
    """Pronounced Hangul that these jamo spell: the inverse of `jamo` over a text, pauses as spaces."""
    text = ""
    onset, vowel = "ㅇ", ""
    for symbol in (*symbols, " "):
        code = ord(symbol[0])
        if vowel and code > _CODA_JAMO:
            text += compose(onset, vowel, CODAS[code - _CODA_JAMO])
            onset, vowel = "ㅇ", ""
            continue
        if vowel:
            text += compose(onset, vowel, NONE)
            onset, vowel = "ㅇ", ""
        if _ONSET_JAMO <= code < _VOWEL_JAMO:
            onset = ONSETS[code - _ONSET_JAMO]
        elif _VOWEL_JAMO <= code <= _CODA_JAMO:
            vowel = VOWELS[code - _VOWEL_JAMO]
        else:
            text += " "
    return text[:-1]
