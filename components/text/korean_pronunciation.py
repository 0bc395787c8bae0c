"""Korean as it is pronounced, spelt in Hangul: 국물이 → 궁무리. 표준 발음법, chapters 2-7, on the jamo.

Rules see one word (어절); then words that follow each other without a mark between them are said as one, as
far as their obstruents go (see `_link_words`). What depends on meaning, not on letters (ㄴ insertion in 꽃잎,
tensed hanja compounds like 발전), is respelt by `korean_lexicon` before the rules run.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from components.text.hangul import NONE, TENSED, compose, parts
from components.text.korean_lexicon import respelt
from components.text.traced import Traced

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
        ("ㄱㄲㅋ", NONE, "ㅋ"), ("ㄺ", "ㄹ", "ㅋ"), ("ㄷㅅㅆㅊㅌ", NONE, "ㅌ"), ("ㅈ", NONE, "ㅊ"),
        ("ㄵ", "ㄴ", "ㅊ"), ("ㅂㅍㅄ", NONE, "ㅍ"), ("ㄼ", "ㄹ", "ㅍ"),
    )
    for coda in codas
}  # fmt: skip
_WITHOUT_H = {"ㅎ": NONE, "ㄶ": "ㄴ", "ㅀ": "ㄹ"}
_ASPIRATED = {"ㄱ": "ㅋ", "ㄷ": "ㅌ", "ㅈ": "ㅊ"}
_TENSING_CODAS = frozenset("ㄱㄲㅋㄳㄺㄷㅅㅆㅈㅊㅌㅂㅍㄼㄿㅄㄵㄾ")
_OBSTRUENT = frozenset("ㄱㄷㅂ")
_NASAL = {"ㄱ": "ㅇ", "ㄷ": "ㄴ", "ㅂ": "ㅁ"}
#: Syllables that begin verb endings: before them a stem's ㄻ tenses them (닮고 → 담꼬).
_ENDINGS = frozenset("고다지게던습기자거")
#: Nouns in ㄺ keep ㄱ also before ㄱ (닭과 → 닥꽈).
_G_NOUNS = frozenset("닭흙칡")
_HANGUL_WORD = re.compile(r"[가-힣]+")
#: Words with nothing but a space between them are said as one.
_HANGUL_PHRASE = re.compile(r"[가-힣]+(?: [가-힣]+)*")


@dataclass
class _Syllable:
    onset: str
    vowel: str
    coda: str
    written: str

    @property
    def text(self) -> str:
        return compose(self.onset, self.vowel, self.coda)


def pronounce(text: str) -> str:
    """Respell all Hangul (NFC); anything else stays."""
    return pronounced(Traced.of(text)).text


def pronounced(text: Traced) -> Traced:
    """`pronounce`, keeping every syllable's place in the written text."""
    text = respelt(text).sub(_HANGUL_WORD, lambda match: _pronounce_word(match.group()), by_letter=True)
    return text.sub(_HANGUL_PHRASE, lambda match: _link_words(match.group()), by_letter=True)


def _split(letter: str) -> _Syllable:
    return _Syllable(*parts(letter), letter)


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


def _link_words(phrase: str) -> str:
    """12, 15, 18 and 23항 over a word boundary: 옷 한 벌 → 오 탄 벌, 책 넣는다 → 챙 넌는다, 못 가 → 몯 까.

    Only obstruents act over the boundary: what they do there is heard whenever no pause is made. Sonorants
    could link too (산 위), but careful speech keeps the words apart.
    """
    syllables = [_split(letter) if letter != " " else None for letter in phrase]
    for place, gap in enumerate(syllables):
        left, right = syllables[place - 1], syllables[min(place + 1, len(syllables) - 1)]
        if gap is not None or left is None or right is None or left.coda not in _OBSTRUENT:
            continue
        for rule in (_aspirate, _link, _tense, _assimilate):
            rule(left, right)
    return "".join(" " if syllable is None else syllable.text for syllable in syllables)


def _palatalise(left: _Syllable, right: _Syllable) -> None:
    """17항: ㄷ, ㅌ, ㄾ before 이 (여), and ㄷ before 히 (혀)."""
    if right.vowel not in "ㅣㅕ":
        return
    if right.onset == "ㅇ" and left.coda in "ㄷㅌㄾ":
        right.onset = "ㅈ" if left.coda == "ㄷ" else "ㅊ"
        left.coda = "ㄹ" if left.coda == "ㄾ" else NONE
    elif right.onset == "ㅎ" and left.coda == "ㄷ":
        left.coda, right.onset = NONE, "ㅊ"


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
        if left.coda != NONE and right.onset == "ㅇ":
            left.coda, right.onset = NONE, left.coda


def _link(left: _Syllable, right: _Syllable) -> None:
    """13-14항: a coda moves over to a following vowel."""
    if right.onset != "ㅇ" or left.coda in (NONE, "ㅇ"):
        return
    left.coda, right.onset = _LIAISON_CLUSTERS.get(left.coda, (NONE, left.coda))


def _tense(left: _Syllable, right: _Syllable) -> None:
    """23-25항: a lax consonant after an obstruent."""
    if left.written == "덟":  # a noun, so no stem that tenses: 여덟도
        return
    stem = left.coda == "ㄻ" and right.written in _ENDINGS
    if right.onset in TENSED and (left.coda in _TENSING_CODAS or stem):
        if left.coda == "ㄺ" and right.onset == "ㄱ" and left.written not in _G_NOUNS:
            left.coda = "ㄹ"
        right.onset = TENSED[right.onset]


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
