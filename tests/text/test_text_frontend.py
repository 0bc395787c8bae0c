"""Text → spoken form → symbols, for ordinary and for any text."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.errors import DataError
from components.core.utterance import Language
from components.text import PAD, SPECIAL, UNK, ids, inventory, phonemise, segment, spoken, tone
from components.text.numerals import clean_thousands
from components.text.traced import Traced

LANGUAGES = st.sampled_from(get_args(Language))


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("ko", "국물이 3그릇 있어요.", "궁무리 세 그르 디써요."),
        ("en", "At 8:15 in 1999, 3.5%", "At eight fifteen in nineteen ninety-nine, three point five percent"),
        ("en", "the 21st café", "the twenty-first cafe"),
        ("en", "It’s 1,200", "It's one thousand two hundred"),
        ("ja", "今日は3時です。", "キョーワ サンジデス."),
        ("zh", "2024年有1008个人", "er4 ling2 er4 si4 nian2 you3 yi4 qian1 ling2 ba1 ge4 ren2"),
        ("zh", "你好，2个", "ni2 hao3, liang3 ge4"),
    ],
)
def test_spoken(language: Language, text: str, said: str) -> None:
    assert spoken(text, language) == said


@pytest.mark.parametrize("language", get_args(Language))
def test_digits_are_spoken_in_every_language(language: Language) -> None:
    said = spoken("7", language)
    assert said
    assert not any(letter.isdigit() for letter in said) or language == "zh"
    assert len(phonemise("7", language).symbols) > 2


@pytest.mark.parametrize("text", ["", "  ", "\n", "。", "☃", "привет", "\ud800", "-", "'", "ー"])
@pytest.mark.parametrize("language", get_args(Language))
def test_nothing_to_say_is_a_data_error(text: str, language: Language) -> None:
    with pytest.raises(DataError):
        phonemise(text, language)


def test_unknown_language() -> None:
    with pytest.raises(DataError, match="'de'"):
        spoken("ja", "de")  # type: ignore[arg-type]


def test_what_cannot_be_said_is_listed() -> None:
    found = phonemise("안녕☃ж", "ko")
    assert found.unknown == ("☃", "ж")
    assert found.symbols == phonemise("안녕", "ko").symbols
    assert found.written == ("안녕☃ж",)


def test_decomposed_hangul_is_the_same_text() -> None:
    assert phonemise("한국", "ko") == phonemise("한국", "ko")


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=30), language=LANGUAGES)
def test_any_text_gives_known_symbols_or_a_data_error(text: str, language: Language) -> None:
    try:
        found = phonemise(text, language)
    except DataError:
        return
    assert found.symbols
    assert set(found.symbols) <= set(inventory())
    assert len(ids(found.symbols)) == len(found.symbols)


def test_inventory_is_an_order_without_repeats() -> None:
    assert inventory()[:3] == SPECIAL
    assert inventory()[0] == PAD
    assert len(set(inventory())) == len(inventory())
    assert ids(["nothing like it"]) == [inventory().index(UNK)]


def test_segment_drops_stress_and_tone() -> None:
    symbols = ("ˈɛ", "ˌiː", "iang1", "á", "Ń", "u̥", "ᄊ", "ᆨ", PAD)
    assert [segment(s) for s in symbols] == ["ɛ", "iː", "iang", "a", "N", "u", "ᄊ", "ᆨ", PAD]


def test_only_mandarin_finals_have_a_tone() -> None:
    assert [tone(s) for s in ("iang3", "er5", "zh", "ˈɛ", "ᄀ", "á", PAD)] == ["3", "5", *[None] * 5]


def test_digits_of_other_scripts() -> None:
    assert clean_thousands(Traced.of("１２,３４５ ٣")).text == "12345 3"
