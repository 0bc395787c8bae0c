"""What Korean pronunciation takes from meaning, not from letters: respellings before the sound rules run.

Whether a compound puts in ㄴ (꽃잎) or tenses (물고기), whether a word is Sino-Korean (발전) and where a verb
stem ends cannot be seen in jamo. korean_exceptions.csv lists words; the patterns here are the productive
part: second elements that always put in ㄴ, suffixes that keep ㄴ before ㄹ, endings in -ㄹ that tense.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from components.text.hangul import coda, tensed, with_onset
from components.text.traced import Traced

_TABLE = Path(__file__).with_name("korean_exceptions.csv")
_WORD_START = r"(?<![가-힣])"
#: What may follow a noun up to the word's end.
_PARTICLE = (
    r"(?:이|가|은|는|을|를|에|에서|에는|에도|의|으로|로|과|와|도|만|까지|부터|이나|나|보다|처럼"
    r"|이다|입니다|이에요|이라)?"
)
_END = _PARTICLE + r"(?![가-힣])"
#: 29항: these put in ㄴ after a stem of two syllables and more; shorter words are read as one (절약, 번역).
_SUFFIX_WITH_N = re.compile(r"(?P<stem>[가-힣]{2,})(?P<head>[역약염유용열])(?=" + _END + ")")
_READ_AS_ONE = re.compile(
    r"(번역|통역|용역|영역|면역|권역|광역|병역|지역|구역|계약|예약|요약|제약|절약|조약|농약|석유|공유|점유|함유|소유|보유"
    r"|자유|적용|사용|이용|활용|응용|인용|고용|비용|작용|복용|겸용|전용|내용|수용|분열|진열|정열|나열|배열|계열)$"
)
_AFTER_CODA = "after_coda"
_TEN = r"(?<=열|물|른|흔|쉰|순|든)"
#: 20항: suffixes before which ㄴ stays and ㄹ gives way (생산량, 의견란), after two syllables and more.
_KEEPS_N = re.compile(r"(?P<stem>[가-힣]{2,})(?P<head>[력란량례론로료류령률])(?=" + _END + ")")
#: 27항 (붙임): endings that begin with -ㄹ.
_ENDING_IN_L = re.compile(
    r"(?P<before>[가-힣])(?P<head>수록|지라도|지언정|진대|세라|밖에|쏘냐|걸(?:요)?(?![가-힣]))"
)
_PROMISE = re.compile(r"(?P<before>[할갈올볼줄될릴낼쓸킬쉴설을])(?P<head>게)(?=(?:요)?(?![가-힣]))")
#: 27항: after an adnominal -ㄹ these bound nouns are tensed: 할 것을 → 할 꺼슬.
_BOUND_NOUN = re.compile(
    r"(?P<before>[가-힣]) +(?P<head>것[가-힣]{0,2}|거(야|예요|라고|다|니까)?|겁니다|수(가|는|도|밖에)?"
    r"|줄(은|을|도)?|적(이|에|에는)?|데가?|게요?|바(를|가|는)?|듯(이|한|하다)?|지(도|는)?)(?![가-힣])"
)
#: The same before whole nouns, where the verb shows that the -ㄹ is adnominal.
_NOUN_AFTER_VERB = re.compile(
    r"(?P<before>할|갈|볼|줄|될|만날|떠날|지낼|보낼|놀|쓸|먹을|읽을|있을|없을|같을|좋을|입을|받을|찾을|앉을|잡을|들을)"
    r" +(?P<head>사람|생각|도리|정도|곳|시간|준비|방법|계획|자리|사이|권리|자격|데|동안|것)"
)
#: 29항 붙임 2: two words said as one.
_LINKED_WORDS = re.compile(
    r"(?P<before>한|할|는|은|된|될|올|갈|볼|무슨|어떤|먹을|있을|없을|좋을|같을) "
    r"(?P<head>일(?=(?:이|을|은|도|만|에)?(?![가-힣]))(?! +[년월층번개])|요일|엿)"
    r"|" + _WORD_START + r"(?P<before2>옷|못|잘) (?P<head2>입|잎|익|읽|이[겨기]|잊|여[는니]|열|일어)"
)


def respelt(text: Traced) -> Traced:
    """The text with exceptions, inserted ㄴ and lexical tensing written out, of the same length."""
    words, pattern = _exceptions()
    text = text.sub(pattern, lambda match: words[match.group()], by_letter=True)
    text = text.sub(_inserting(), _insert_n, by_letter=True)
    for rule, change in _RULES:
        text = text.sub(rule, change, by_letter=True)
    return text


@cache
def _rows() -> tuple[dict[str, str], ...]:
    with _TABLE.open(encoding="utf-8", newline="") as stream:
        return tuple(sorted(csv.DictReader(stream), key=lambda row: (-len(row["written"]), row["written"])))


@cache
def _exceptions() -> tuple[dict[str, str], re.Pattern[str]]:
    """Spelling → respelling, and where a spelling holds; the longest is tried first."""
    edges = {
        "word_start": _WORD_START + "%s",
        "anywhere": "%s",
        "before_vowel": "%s(?=[아-잏])",
        "after_ten": _TEN + "%s",
    }
    rows = [row for row in _rows() if row["where"] in edges]
    pattern = "|".join(edges[row["where"]] % row["written"] for row in rows)
    return {row["written"]: row["respelt"] for row in rows}, re.compile(pattern)


@cache
def _inserting() -> re.Pattern[str]:
    heads = "|".join(row["written"] for row in _rows() if row["where"] == _AFTER_CODA)
    return re.compile(rf"(?P<stem>[가-힣])(?P<head>{heads})")


def _insert_n(match: re.Match[str]) -> str:
    stem, head = match["stem"], match["head"]
    if coda(stem[-1]) == " " or _READ_AS_ONE.search(stem + head) or (head == "용" and coda(stem[-1]) == "ㅇ"):
        return match.group()
    return stem + with_onset(head[0], "ㄴ") + head[1:]


def _keep_n(match: re.Match[str]) -> str:
    stem, head = match["stem"], match["head"]
    return stem + (with_onset(head, "ㄴ") if coda(stem[-1]) == "ㄴ" else head)


def _tense(match: re.Match[str]) -> str:
    whole, head = match.group(), match["head"]
    if coda(match["before"][-1]) != "ㄹ":
        return whole
    place = len(whole) - len(head)
    return whole[:place] + tensed(head[0]) + head[1:]


def _link_words(match: re.Match[str]) -> str:
    whole, head = match.group(), match["head"] or match["head2"]
    place = len(whole) - len(head)
    onset = "ㄹ" if coda((match["before"] or match["before2"])[-1]) == "ㄹ" else "ㄴ"
    return whole[:place] + with_onset(head[0], onset) + head[1:]


_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (_SUFFIX_WITH_N, _insert_n),
    (_KEEPS_N, _keep_n),
    (_ENDING_IN_L, _tense),
    (_PROMISE, _tense),
    (_BOUND_NOUN, _tense),
    (_NOUN_AFTER_VERB, _tense),
    (_LINKED_WORDS, _link_words),
)
