"""Japanese by Open JTalk: katakana as pronounced (は → ワ) for espeak-ng, and phonemes with pitch accent.

Both come from one run of the analyser, whose labels give the accent phrases after chaining; see `_pitched`.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any, cast

from components.text.analysis import PAUSE_MARKS, Analysis, Piece, joined, pause
from components.text.japanese_numbers import in_words
from components.text.numerals import clean_thousands
from components.text.symbols import DEVOICED, high
from components.text.traced import Span, Traced

_KNOWN = {
    "クヮ": "クワ", "グヮ": "グワ", "スィ": "シ", "ズィ": "ジ", "キェ": "キエ", "ギェ": "ギエ",
    "ニェ": "ニエ", "ヒェ": "ヒエ", "ビェ": "ビエ", "ピェ": "ピエ", "ミェ": "ミエ", "リェ": "リエ",
    "ンー": "ンン",
}  # fmt: skip
_UNKNOWN_TO_ESPEAK = re.compile("|".join(_KNOWN))
#: Open JTalk would pause and end the accent phrase at each of these.
_QUOTES = "「」『』“”‘’\"'"
_DEVOICED_KANA = "’"
_KANA = re.compile(r"[ァ-ヺー]")
_MARKS = {
    "、": ",",
    "。": ".",
    "！": "!",
    "？": "?",
    "，": ",",
    "．": ".",
    "：": ":",
    "；": ";",
    "…": ".",
    "‥": ".",
}
#: Phoneme, then mora place and accent type in a full-context label.
_LABEL = re.compile(
    r"-(?P<phoneme>[^+]+)\+.*?/A:[^+]+\+(?P<mora>\d+|xx)\+.*/F:(?P<size>\d+|xx)_(?P<accent>\d+|xx)"
)
_SILENT = frozenset({"sil", "pau"})
_NUCLEI = frozenset("aiueoAIUEON")
_JOINED = 1


@cache
def _open_jtalk() -> ModuleType:
    """The module, imported without the advertisement that it prints for an optional package."""
    with contextlib.redirect_stdout(io.StringIO()):
        import pyopenjtalk

    return cast("ModuleType", pyopenjtalk)


def analyse(text: Traced) -> tuple[Analysis, list[str]]:
    """``今日は3時です。`` → ``キョーワ サンジデス.`` and ``ky ó o w a …``; and what Japanese cannot say.

    A word of the result is an accent phrase of Open JTalk, which also reads digits and Latin letters.
    """
    normal = in_words(clean_thousands(text)).each(lambda letter: "" if letter in _QUOTES else letter)
    jtalk = _open_jtalk()
    morphemes = jtalk.run_frontend(normal.text)
    moras = _moras(jtalk.make_label(morphemes))
    pieces: list[Piece] = []
    unknown: list[str] = []
    starts: list[int] = []
    for morpheme, span in zip(morphemes, _places(morphemes, normal), strict=True):
        said = morpheme["pron"].replace(_DEVOICED_KANA, "")
        sounds = [
            symbol for _, mora in zip(range(morpheme["mora_size"]), moras, strict=False) for symbol in mora
        ]
        if _KANA.search(said) and sounds:
            if morpheme["chain_flag"] != _JOINED or not starts:
                starts.append(span[0])
                pieces.append(Piece(" "))
            pieces.append(Piece(_for_espeak(said), tuple(sounds), span))
        else:
            pieces += _silent(morpheme["string"], unknown)
    return joined(pieces, sorted(set(starts))), unknown


def _for_espeak(said: str) -> str:
    """Kana that espeak-ng knows: it would read any other by its name (ニェ as "ni, Japanese letter e")."""
    return _UNKNOWN_TO_ESPEAK.sub(lambda match: _KNOWN[match.group()], said)


def _silent(string: str, unknown: list[str]) -> Iterator[Piece]:
    """Punctuation as pauses; whatever else has no reading is unknown."""
    for letter in string:
        mark = _MARKS.get(letter, letter)
        if mark in PAUSE_MARKS:
            yield pause(mark)
        else:
            yield Piece(" ")
            if unicodedata.category(letter)[0] not in "ZPC":
                unknown.append(letter)


def _moras(labels: list[str]) -> Iterator[tuple[str, ...]]:
    """Symbols, mora by mora: every mora ends in a vowel, ``N`` or ``cl``."""
    onset: list[str] = []
    for label in labels:
        found = _LABEL.search(label)
        if found is None or found["phoneme"] in _SILENT:
            continue
        phoneme = found["phoneme"]
        if phoneme in _NUCLEI:
            yield (*onset, _pitched(phoneme, int(found["mora"]), int(found["accent"])))
            onset.clear()
        elif phoneme == "cl":
            yield (phoneme,)
        else:
            onset.append(phoneme)


def _pitched(nucleus: str, mora: int, accent: int) -> str:
    """Tokyo pitch: high from the second mora to the accented one, or on the first alone where that has it.

    Labels give a phrase without accent its last mora, so its pitch stays high to the end, as it should.
    """
    if nucleus.isupper() and nucleus != "N":
        return nucleus.lower() + (DEVOICED if nucleus in "IU" else "")
    is_high = mora == 1 if accent == 1 else 2 <= mora <= accent
    return high(nucleus) if is_high else nucleus


def _letter_by_letter(text: str) -> str:
    """NFKC of each letter that stays one letter, so that places do not move."""
    normal = (unicodedata.normalize("NFKC", letter) for letter in text)
    return "".join(new if len(new) == 1 else old for old, new in zip(text, normal, strict=True))


def _places(morphemes: list[dict[str, Any]], text: Traced) -> Iterator[Span]:
    """The written interval of every morpheme. Open JTalk respells some (25 → 二十五): these share theirs."""
    respelt = "".join(morpheme["string"] for morpheme in morphemes)
    spans: list[Span] = [(0, 0)] * len(respelt)
    matcher = difflib.SequenceMatcher(None, _letter_by_letter(respelt), text.text, autojunk=False)
    for _, start, end, first, last in matcher.get_opcodes():
        if last - first == end - start:
            spans[start:end] = text.spans[first:last]
        else:
            around = text.spans[min(first, len(text.spans) - 1) : max(last, first + 1)]
            spans[start:end] = [(around[0][0], around[-1][1])] * (end - start)
    place = 0
    for morpheme in morphemes:
        own = spans[place : place + len(morpheme["string"])] or [(0, 0)]
        place += len(morpheme["string"])
        yield own[0][0], own[-1][1]
