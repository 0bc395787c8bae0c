"""The map espeak phone ↔ our symbol, and timings of symbols from timings of phones."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest

from components.core.errors import DataError
from components.core.utterance import Language
from components.espeak import PhoneTiming, Voice, synthesise
from components.text import inventory, phonemise, segment, spoken, symbol_timings
from components.text.correspondence import symbols_of_phone, table

TEXTS: dict[Language, str] = {
    "ko": "독립문 근처에서 달리기를 했어요. 흙냄새, 벼훑이, 얘기와 의자!",
    "en": "Where were you, when the power went out? A little button of the fire engine.",
    "ja": "ティッシュとフュージョン、ニェット。クォーツのウィンドウ、ヴェッラ。旅行の途中で、"
    "びっくりするほど大きな「切符」を見た。パーティーは百円？",
    "zh": "雄鹰在天空中飞翔，女儿顺利地学会了骑自行车。你呢？",
}


def phones(text: str) -> list[PhoneTiming]:
    return [PhoneTiming(phone, 10 * i, 10 * (i + 1)) for i, phone in enumerate(text.split())]


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("variant", ["", "m3", "Nguyen"])
def test_what_is_heard_is_timed_as_what_is_written(language: Language, variant: str) -> None:
    symbols = phonemise(TEXTS[language], language).symbols
    speech = synthesise(spoken(TEXTS[language], language), language, Voice(variant), 165)
    timed = symbol_timings(language, symbols, speech.timings)
    assert tuple(t.symbol for t in timed) == symbols
    assert timed[0].start == 0
    assert timed[-1].end == len(speech.samples)
    assert all(a.end == b.start for a, b in itertools.pairwise(timed))
    assert all(t.end > t.start for t in timed)


def test_one_symbol_takes_the_union_of_its_phones() -> None:
    timed = symbol_timings("ko", ["ᄐ", "ᅪ"], phones("t h w ɐ"))
    assert [(t.start, t.end) for t in timed] == [(0, 20), (20, 40)]


def test_symbols_within_one_phone_share_it() -> None:
    timed = symbol_timings("ja", ["o", "ó", "cl", "k", "a"], phones("o̞ː k k ä"))
    assert [(t.start, t.end) for t in timed] == [(0, 5), (5, 10), (10, 20), (20, 30), (30, 40)]


def test_the_finest_segmentation_wins() -> None:
    timed = symbol_timings("ko", ["ᆯ", "ᄅ"], phones("ɫ ɾ"))
    assert [(t.start, t.end) for t in timed] == [(0, 10), (10, 20)]
    assert len(symbol_timings("ko", ["ᆯ", "ᄅ"], phones("l"))) == 2


def test_stress_and_tone_do_not_matter() -> None:
    assert symbol_timings("zh", ["x", "ia4"], phones("ɕ iɑ4"))[1].symbol == "ia4"
    assert symbol_timings("en", ["ˈɛ", "ɹ"], phones("ˈɛɹ"))[1].end == 10


@pytest.mark.parametrize(
    ("symbols", "heard"), [(["ᄀ", "ᅡ"], "ɡ"), (["ᄀ"], "ɡ ɐ"), (["ᄀ", "ᅡ"], "ɡ i"), ([], "ɡ")]
)
def test_what_the_table_does_not_explain_is_named(symbols: list[str], heard: str) -> None:
    with pytest.raises(DataError, match=r"alignment \(ko\).*correspondence\.csv"):
        symbol_timings("ko", symbols, phones(heard))


def test_english_spellings_of_one_sound_are_merged() -> None:
    assert symbols_of_phone("ˈɛɹ") == ("ˈɛ", "ɹ")
    assert symbols_of_phone("ˌɪ") == symbols_of_phone("ˌᵻ") == ("ˌɪ",)
    assert symbols_of_phone("i") == symbols_of_phone("iː") == ("iː",)
    assert symbols_of_phone("ˈæː") == ("ˈæ",)
    assert symbols_of_phone("nothing like it") == ("nothing like it",)


@pytest.mark.parametrize("language", get_args(Language))
def test_every_row_is_one_to_many_or_many_to_one_and_of_the_inventory(language: Language) -> None:
    chunks = table(language)
    segments = {segment(symbol) for symbol in inventory()}
    assert len(set(chunks)) == len(chunks)
    for chunk in chunks:
        assert min(len(chunk.symbols), len(chunk.phones)) == 1
        assert set(chunk.symbols) <= segments
