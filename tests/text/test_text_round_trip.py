"""Symbols back to what was said: jamo to Hangul, finals to pinyin, phonemes to kana; ids to symbols."""

from __future__ import annotations

import itertools
import unicodedata
from typing import get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from components.core.errors import DataError
from components.core.utterance import Language
from components.data.generated import training_sentences
from components.text import SPECIAL, UNK, ids, inventory, phonemise, segment, spoken, tone
from components.text.analysis import PAUSE_MARKS
from components.text.hangul import CODAS, ONSETS, VOWELS, compose, jamo, parts, syllables
from components.text.pinyin import is_syllable, syllable_of, symbols_of
from components.text.symbols import DEVOICED, INVENTORY_VERSION

SEED = 20241011
LANGUAGES = st.sampled_from(get_args(Language))
_SPELLINGS = ("wong", "yai")
_MARKS = str.maketrans(dict.fromkeys(PAUSE_MARKS + " ", ""))
#: Letters of the four languages, digits, signs, marks, control characters and strangers.
LETTERS = st.one_of(
    st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3),
    st.characters(min_codepoint=0x3041, max_codepoint=0x30FF),
    st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5),
    st.sampled_from("abcXYZ0123456789.,:;-~/%$¥€°'’\"!?·…「」()℃㎏½²①ㅋㅠ"),
    st.sampled_from("\t\n\x00\x7f\u200b\u202e\ufeff\ud800 \u3000"),
    st.characters(),
)


@settings(deadline=None)
@given(st.text(alphabet=st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), min_size=1, max_size=6))
def test_jamo_spell_the_pronounced_hangul(text: str) -> None:
    said = spoken(text, "ko")
    assert syllables(phonemise(text, "ko").symbols).strip() == said


def test_every_syllable_is_its_parts_and_its_jamo() -> None:
    for onset, vowel, coda in itertools.product(ONSETS, VOWELS, CODAS[::5]):
        syllable = compose(onset, vowel, coda)
        assert parts(syllable) == (onset, vowel, coda)
        assert syllables(jamo(syllable)) == syllable


@pytest.mark.parametrize("sentence", training_sentences("ko", SEED)[:60])
def test_korean_sentences_come_back(sentence: str) -> None:
    said = spoken(sentence, "ko").translate(_MARKS)
    assert syllables(phonemise(sentence, "ko").symbols).replace(" ", "") == said


@pytest.mark.parametrize("sentence", training_sentences("zh", SEED)[:60])
def test_mandarin_sentences_come_back(sentence: str) -> None:
    found: list[str] = []
    initial: tuple[str, ...] = ()
    for symbol in phonemise(sentence, "zh").symbols:
        if tone(symbol):
            found.append(syllable_of((*initial, symbol)))
            initial = ()
        elif symbol not in SPECIAL:
            initial = (symbol,)
    said = spoken(sentence, "zh").lower().replace("i5yong", "iong")
    assert found == [word.rstrip(PAUSE_MARKS) for word in said.split()]


def test_every_pinyin_syllable_comes_back() -> None:
    from pypinyin.constants import PINYIN_DICT
    from pypinyin.contrib.tone_convert import to_tone3

    marked = {reading for readings in PINYIN_DICT.values() for reading in readings.split(",")}
    every = {to_tone3(reading, v_to_u=False, neutral_tone_with_five=True) for reading in marked}
    syllables_with_vowel = {s for s in every if is_syllable(s) and set(s) & set("aeiouv")}
    assert len(syllables_with_vowel) > 1200
    variants = {s for s in syllables_with_vowel if s[:-1] in _SPELLINGS}  # wong is another spelling of weng
    for syllable in syllables_with_vowel - variants:
        assert syllable_of(symbols_of(syllable)) == syllable
        assert set(symbols_of(syllable)) <= set(inventory())


@pytest.mark.parametrize("sentence", training_sentences("ja", SEED)[:40])
def test_japanese_symbols_have_the_moras_of_the_kana(sentence: str) -> None:
    said = spoken(sentence, "ja").translate(_MARKS)
    moras = sum(1 for kana in said if kana not in "ァィゥェォャュョヮ")
    nuclei = [s for s in phonemise(sentence, "ja").symbols if segment(s) in {*"aiueoN", "cl"}]
    assert len(nuclei) == moras


def test_ids_and_symbols_are_one_to_one() -> None:
    symbols = inventory()
    assert ids(symbols) == list(range(len(symbols)))
    assert INVENTORY_VERSION == 2
    assert all(symbol == unicodedata.normalize("NFC", symbol) for symbol in symbols)
    assert all(" " not in symbol and "," not in symbol for symbol in symbols)


def test_accent_and_devoicing_belong_to_nuclei_only() -> None:
    marked = [s for s in inventory() if s not in SPECIAL and segment(s) != s and tone(s) is None]
    assert {segment(s) for s in marked if s[0] not in "ˈˌ"} == set("aiueoN")
    assert [s for s in inventory() if s.endswith(DEVOICED)] == ["i̥", "u̥"]


@settings(max_examples=300, deadline=None)
@given(text=st.text(alphabet=LETTERS, max_size=25), language=LANGUAGES)
@example(text="0U¨0", language="ja")
def test_any_text_is_symbols_of_the_inventory_or_a_data_error(text: str, language: Language) -> None:
    try:
        found = phonemise(text, language)
    except DataError:
        return
    assert set(found.symbols) <= set(inventory())
    assert UNK not in found.symbols
    assert found.symbols[-1] == "_"
    assert found.symbols[0] != "_"
    assert all(pair != ("_", "_") for pair in itertools.pairwise(found.symbols))
    assert len(found.words) == len(found.symbols)
    assert all(
        (word == -1) == (symbol == "_") for symbol, word in zip(found.symbols, found.words, strict=True)
    )
    assert max(found.words) < len(found.written)
    heard = [word for word in found.words if word >= 0]
    assert heard == sorted(heard)


@settings(max_examples=150, deadline=None)
@given(text=st.text(alphabet=LETTERS, max_size=15), language=LANGUAGES)
def test_composed_and_decomposed_text_are_the_same(text: str, language: Language) -> None:
    def said(form: str) -> object:
        try:
            return phonemise(form, language)
        except DataError as error:
            return type(error)

    assert said(unicodedata.normalize("NFD", text)) == said(unicodedata.normalize("NFC", text))


@settings(max_examples=60, deadline=None)
@given(text=st.text(alphabet=LETTERS, min_size=1, max_size=12), language=LANGUAGES)
@example(text="~", language="ja")
def test_control_characters_and_more_space_change_nothing(text: str, language: Language) -> None:
    def said(form: str) -> object:
        try:
            return phonemise(form, language).symbols
        except DataError as error:
            return type(error)

    assert said(f"\t{text}\u200b \r\n") == said(text)
    assert said(text.replace(" ", "  \n ")) == said(text)


@pytest.mark.parametrize("language", get_args(Language))
def test_written_words_give_the_text_back(language: Language) -> None:
    for sentence in training_sentences(language, SEED)[:40]:
        found = phonemise(sentence, language)
        assert "".join(found.written).replace(" ", "") == sentence.replace(" ", "")


def test_what_cannot_be_said_is_counted_and_never_dropped_in_silence() -> None:
    texts: dict[Language, str] = {"ko": "안녕 ж☃ 하세요", "en": "hello ж☃", "ja": "今日ж☃は", "zh": "你ж☃好"}
    for language, text in texts.items():
        assert phonemise(text, language).unknown == ("ж", "☃")
