"""Tones as Mandarin speakers say them: 一, 不, third before third, neutral tones, erhua.

pypinyin gives the dictionary's tones; its own sandhi leaves out 一 before most words and third tones over a
word boundary. Rules after Chao, "A Grammar of Spoken Chinese" (1968), sections 1.3.3 to 1.3.7. A chain of
third tones is resolved from right to left, so that it alternates (我也很好 wo2 ye3 hen2 hao3); words of two
and one parts, which do not (展览馆), stand in mandarin_readings.csv with the neutral tones of common words.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Sequence
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).with_name("mandarin_readings.csv")
_NUMERALS = frozenset("零〇一二三四五六七八九十百千万亿点两")
#: 一 keeps its tone after these (ordinals, weekdays, numbers) …
_ORDINAL_BEFORE = _NUMERALS | frozenset("第初周期拜")
#: … and before these: dates, floors, digits.
_ORDINAL_AFTER = frozenset("月号楼日〇零一二三四五六七八九级")
#: Words in which 儿 is the syllable er2, not a colouring.
_FULL_ER = frozenset("女婴幼孤健少胎育托男宠")
_ER_BEFORE = frozenset("子童女歌媳孙科时")


def toned(letters: str, readings: Sequence[str], words: Sequence[int]) -> list[str]:
    """The readings (pinyin with tone digit, "" for what is no syllable) with the tones of connected speech.

    Args:
        letters: the text, one letter a reading.
        readings: of the dictionary.
        words: where the words begin, ascending, the first at 0.
    """
    said = list(readings)
    by_rule = {place for place, reading in enumerate(said) if reading}
    bounds = [*words, len(letters)]
    for start, end in itertools.pairwise(bounds):
        special = readings_of_words().get(letters[start:end])
        if special:
            said[start:end] = special
            by_rule.difference_update(range(start, end))
    for place, letter in enumerate(letters):
        if letter == "一" and place in by_rule:
            said[place] = "yi" + _tone_of_yi(letters, said, place, bounds)
        elif letter == "不" and place in by_rule:
            said[place] = "bu" + _tone_of_bu(letters, said, place)
        elif letter == "儿" and place in by_rule and _is_colouring(letters, said, place):
            said[place] = "er5"
    _third_tones(said)
    return said


@cache
def readings_of_words() -> dict[str, list[str]]:
    """Words whose tones in speech are not those of their letters."""
    with _TABLE.open(encoding="utf-8", newline="") as stream:
        return {row["word"]: row["reading"].split() for row in csv.DictReader(stream)}


def _tone_of_yi(letters: str, said: list[str], place: int, bounds: Sequence[int]) -> str:
    before, after = letters[place - 1 : place] if place else "", letters[place + 1 : place + 2]
    if _is_doubled(letters, said, place):
        return "5"  # 看一看
    ends_word = place + 1 in bounds and place not in bounds
    if before in _ORDINAL_BEFORE or after in _ORDINAL_AFTER or ends_word:
        return "1"
    if after == "点" and letters[place + 2 : place + 3] in _NUMERALS and letters[place + 2 : place + 3]:
        return "1"
    following = said[place + 1] if place + 1 < len(said) else ""
    if not following:
        return "1"
    return "2" if following[-1] == "4" or after == "个" else "4"


def _tone_of_bu(letters: str, said: list[str], place: int) -> str:
    if _is_doubled(letters, said, place):
        return "5"  # 好不好
    return "2" if place + 1 < len(said) and said[place + 1].endswith("4") else "4"


def _is_doubled(letters: str, said: list[str], place: int) -> bool:
    """Whether the same syllable stands on both sides: 看一看, 好不好."""
    around = letters[max(place - 1, 0) : place + 2]
    return len(around) == 3 and around[0] == around[2] and bool(said[place - 1])


def _is_colouring(letters: str, said: list[str], place: int) -> bool:
    if not place or not said[place - 1] or not said[place].startswith("er"):
        return False
    return letters[place - 1] not in _FULL_ER and letters[place + 1 : place + 2] not in _ER_BEFORE


def _third_tones(said: list[str]) -> None:
    """A third tone rises before a syllable that is said in the third."""
    for place in range(len(said) - 2, -1, -1):
        if said[place].endswith("3") and said[place + 1].endswith("3"):
            said[place] = said[place][:-1] + "2"
