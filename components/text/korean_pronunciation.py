"""Korean as it is pronounced, spelt in Hangul: 국물이 → 궁무리. 표준 발음법, chapters 2-7, on the jamo.

Rules see one word (어절). What depends on meaning, not on letters (ㄴ insertion in 꽃잎, tensed hanja
compounds like 발전), stands in korean_exceptions.csv and is respelt before the rules run.
"""

from __future__ import annotations

import csv
import itertools
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from components.text.traced import Traced

_ONSETS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_CODAS = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
_FIRST = "가"
#: The first conjoining onset and vowel of Unicode, and the place before the first coda.
_ONSET_JAMO, _VOWEL_JAMO, _CODA_JAMO = 0x1100, 0x1161, 0x11A7
_NONE = " "

#: A coda before a vowel: what stays, what moves over (13-14항). ㅅ moves tensed out of a cluster.
_LIAISON_CLUSTERS = {
    "ㄳ": ("ㄱ", "ㅆ"), "ㄵ": ("ㄴ", "ㅈ"), "ㄺ": ("ㄹ", "ㄱ"), "ㄻ": ("ㄹ", "ㅁ"), "ㄼ": ("ㄹ", "ㅂ"),
    "ㄽ": ("ㄹ", "ㅆ"), "ㄾ": ("ㄹ", "ㅌ"), "ㄿ": ("ㄹ", "ㅍ"), "ㅄ": ("ㅂ", "ㅆ"),
}  # fmt: skip
#: What a coda becomes before a consonant or at the end (8-11항).
_SIMPLIFIED = {
    coda: remains
    for codas, remains in (
        ("ㄲㅋㄳㄺ", "ㄱ"), ("ㅅㅆㅈㅊㅌㅎ", "ㄷ"), ("ㅍㅄㄿ", "ㅂ"), ("ㄵㄶ", "ㄴ"), ("ㄻ", "ㅁ"),
        ("ㄼㄽㄾㅀ", "ㄹ"),
    )
    for coda in codas
}  # fmt: skip
#: Coda + ㅎ: what stays, what begins the next syllable (12항 1).
_BEFORE_H = {
    coda: (stays, moves)
    for codas, stays, moves in (
        ("ㄱㄲㅋ", _NONE, "ㅋ"), ("ㄺ", "ㄹ", "ㅋ"), ("ㄷㅅㅆㅊㅌ", _NONE, "ㅌ"), ("ㅈ", _NONE, "ㅊ"),
        ("ㄵ", "ㄴ", "ㅊ"), ("ㅂㅍㅄ", _NONE, "ㅍ"), ("ㄼ", "ㄹ", "ㅍ"),
    )
    for coda in codas
}  # fmt: skip
_WITHOUT_H = {"ㅎ": _NONE, "ㄶ": "ㄴ", "ㅀ": "ㄹ"}
_ASPIRATED = {"ㄱ": "ㅋ", "ㄷ": "ㅌ", "ㅈ": "ㅊ"}
_TENSED = {"ㄱ": "ㄲ", "ㄷ": "ㄸ", "ㅂ": "ㅃ", "ㅅ": "ㅆ", "ㅈ": "ㅉ"}
_TENSING_CODAS = frozenset("ㄱㄲㅋㄳㄺㄷㅅㅆㅈㅊㅌㅂㅍㄼㄿㅄㄵㄾ")
_NASAL = {"ㄱ": "ㅇ", "ㄷ": "ㄴ", "ㅂ": "ㅁ"}
#: Syllables that begin verb endings: before them a stem's ㄻ tenses them (닮고 → 담꼬).
_ENDINGS = frozenset("고다지게던습기자거")
#: Nouns in ㄺ keep ㄱ also before ㄱ (닭과 → 닥꽈).
_G_NOUNS = frozenset("닭흙칡")
#: After an adnominal -ㄹ these bound nouns are tensed (27항): 할 것을 → 할 꺼슬.
_BOUND_NOUN = re.compile(
    r"(?P<before>[가-힣] +)"
    r"(?P<noun>것[가-힣]{0,2}|거(야|예요|라고|다|니까)?|겁니다|수(가|는|도|밖에)?|줄(은|을)?|적(이)?|데가?|게요?)"
    r"(?![가-힣])"
)
_HANGUL_WORD = re.compile(r"[가-힣]+")


@dataclass
class _Syllable:
    onset: str
    vowel: str
    coda: str
    written: str

    @property
    def text(self) -> str:
        index = (_ONSETS.index(self.onset) * 21 + _VOWELS.index(self.vowel)) * 28 + _CODAS.index(self.coda)
        return chr(ord(_FIRST) + index)


@cache
def exceptions() -> tuple[tuple[re.Pattern[str], str], ...]:
    """(pattern of the spelling, its respelling), longest first; most hold at a word's beginning only."""
    with Path(__file__).with_name("korean_exceptions.csv").open(encoding="utf-8", newline="") as stream:
        rows = sorted(csv.DictReader(stream), key=lambda row: (-len(row["written"]), row["written"]))
    edges = {"word_start": r"(?<![가-힣])", "anywhere": ""}
    return tuple((re.compile(edges[row["where"]] + row["written"]), row["respelt"]) for row in rows)


def pronounce(text: str) -> str:
    """Respell every Hangul word (NFC); anything else stays."""
    return pronounced(Traced.of(text)).text


def pronounced(text: Traced) -> Traced:
    """`pronounce`, keeping every syllable's place in the written text."""
    for written, respelt in exceptions():
        text = text.sub(written, respelt, by_letter=True)
    text = text.sub(_BOUND_NOUN, _tense_bound_noun, by_letter=True)
    return text.sub(_HANGUL_WORD, lambda match: _pronounce_word(match.group()), by_letter=True)


def _tense_bound_noun(match: re.Match[str]) -> str:
    before, noun = match["before"], match["noun"]
    if _split(before[0]).coda != "ㄹ":
        return match.group()
    head = _split(noun[0])
    head.onset = _TENSED[head.onset]
    return before + head.text + noun[1:]


def jamo(syllable: str) -> tuple[str, ...]:
    """The conjoining jamo of a pronounced syllable: 강 → ᄀ ᅡ ᆼ; the silent onset ㅇ gives none."""
    index = ord(syllable) - ord(_FIRST)
    onset, vowel, coda = index // 588, index // 28 % 21, index % 28
    sounds = [chr(_ONSET_JAMO + onset)] if _ONSETS[onset] != "ㅇ" else []
    sounds.append(chr(_VOWEL_JAMO + vowel))
    return (*sounds, chr(_CODA_JAMO + coda)) if coda else tuple(sounds)


def _split(letter: str) -> _Syllable:
    index = ord(letter) - ord(_FIRST)
    return _Syllable(_ONSETS[index // 588], _VOWELS[index // 28 % 21], _CODAS[index % 28], letter)


def _pronounce_word(word: str) -> str:
    syllables = [_split(letter) for letter in word]
    pairs = list(itertools.pairwise(syllables))
    for rule in (_palatalise, _aspirate, _link, _tense):
        for left, right in pairs:
            rule(left, right)
    for syllable, following in zip(syllables, [*syllables[1:], None], strict=True):
        _simplify(syllable, following)
    for left, right in pairs:
        _assimilate(left, right)
    for syllable in syllables:
        _adjust_vowel(syllable)
    return "".join(syllable.text for syllable in syllables)


def _palatalise(left: _Syllable, right: _Syllable) -> None:
    """17항: ㄷ, ㅌ, ㄾ before 이 (여), and ㄷ before 히 (혀)."""
    if right.vowel not in "ㅣㅕ":
        return
    if right.onset == "ㅇ" and left.coda in "ㄷㅌㄾ":
        right.onset = "ㅈ" if left.coda == "ㄷ" else "ㅊ"
        left.coda = "ㄹ" if left.coda == "ㄾ" else _NONE
    elif right.onset == "ㅎ" and left.coda == "ㄷ":
        left.coda, right.onset = _NONE, "ㅊ"


def _aspirate(left: _Syllable, right: _Syllable) -> None:
    """12항: ㅎ merges with a stop, tenses ㅅ, and is silent before a vowel or ㄴ."""
    if right.onset == "ㅎ" and left.coda in _BEFORE_H:
        left.coda, right.onset = _BEFORE_H[left.coda]
    elif left.coda in _WITHOUT_H:
        if right.onset in _ASPIRATED:
            right.onset = _ASPIRATED[right.onset]
        elif right.onset == "ㅅ":
            right.onset = "ㅆ"
        elif right.onset == "ㄴ" and left.coda == "ㅎ":
            left.coda = "ㄴ"
            return
        elif right.onset not in "ㅇㄴ":
            return
        left.coda = _WITHOUT_H[left.coda]
        if left.coda != _NONE and right.onset == "ㅇ":
            left.coda, right.onset = _NONE, left.coda


def _link(left: _Syllable, right: _Syllable) -> None:
    """13-14항: a coda moves over to a following vowel."""
    if right.onset != "ㅇ" or left.coda in (_NONE, "ㅇ"):
        return
    left.coda, right.onset = _LIAISON_CLUSTERS.get(left.coda, (_NONE, left.coda))


def _tense(left: _Syllable, right: _Syllable) -> None:
    """23-25항: a lax consonant after an obstruent."""
    stem = left.coda == "ㄻ" and right.written in _ENDINGS
    if right.onset in _TENSED and (left.coda in _TENSING_CODAS or stem):
        if left.coda == "ㄺ" and right.onset == "ㄱ" and left.written not in _G_NOUNS:
            left.coda = "ㄹ"
        right.onset = _TENSED[right.onset]


def _simplify(syllable: _Syllable, following: _Syllable | None) -> None:
    """8-11항: seven codas remain."""
    if (
        syllable.coda == "ㄼ"
        and following is not None
        and (syllable.written == "밟" or (syllable.written == "넓" and following.written in "죽둥적"))
    ):
        syllable.coda = "ㅂ"
    syllable.coda = _SIMPLIFIED.get(syllable.coda, syllable.coda)


def _assimilate(left: _Syllable, right: _Syllable) -> None:
    """18-20항: nasals and ㄹ."""
    if right.onset == "ㄹ" and left.coda in "ㄱㄷㅂㅁㅇ":
        right.onset = "ㄴ"
    if right.onset in "ㄴㅁ" and left.coda in _NASAL:
        left.coda = _NASAL[left.coda]
    elif (left.coda, right.onset) in (("ㄴ", "ㄹ"), ("ㄹ", "ㄴ")):
        left.coda = right.onset = "ㄹ"


def _adjust_vowel(syllable: _Syllable) -> None:
    """5항: 져, 쪄, 쳐 → 저, 쩌, 처; 의 after a consonant → 이."""
    if syllable.onset in "ㅈㅉㅊ" and syllable.vowel == "ㅕ":
        syllable.vowel = "ㅓ"
    if syllable.vowel == "ㅢ" and syllable.written != "의":
        syllable.vowel = "ㅣ"
