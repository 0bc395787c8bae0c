"""espeak-ng: exact timings, one symbol sequence for speech and text, reproducible bytes."""

from __future__ import annotations

import multiprocessing
from typing import get_args

import pytest

from components.core.errors import DataError, EnvironmentFaultError
from components.core.utterance import Language
from components.espeak import PAUSE, Voice, phonemes, spoken_phones, synthesise, variants
from components.espeak.phones import normalise

TEXTS: dict[Language, str] = {
    "ko": "안녕하세요, 궁무리 이써요.",
    "en": "Hello there, bottles of water.",
    "ja": "キョーワ、イイテンキデスネ。",
    "zh": "jin1 tian1 hen2 hao3, wo3 men5 qu4.",
}
WPM = 165


def _bytes(job: tuple[Language, str]) -> bytes:
    language, variant = job
    return synthesise(TEXTS[language], language, Voice(variant), WPM).samples.tobytes()


@pytest.mark.parametrize("language", get_args(Language))
def test_timings_cover_the_audio_without_a_gap(language: Language) -> None:
    speech = synthesise(TEXTS[language], language, Voice("Andrea"), WPM)
    assert speech.sample_rate_hz == 22050
    assert speech.timings[0].start == 0
    assert speech.timings[-1].end == len(speech.samples)
    assert all(a.end == b.start for a, b in zip(speech.timings, speech.timings[1:], strict=False))
    assert all(t.end >= t.start for t in speech.timings)


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("variant", ["", "Andrea", "m5", "Nguyen"])
def test_text_alone_gives_the_symbols_of_speech(language: Language, variant: str) -> None:
    speech = synthesise(TEXTS[language], language, Voice(variant), WPM)
    assert [t.symbol for t in speech.timings] == phonemes(TEXTS[language], language)


def test_same_bytes_in_any_order_and_process() -> None:
    jobs: list[tuple[Language, str]] = [
        (lang, v) for lang in get_args(Language) for v in ("Andrea", "m5", "f1")
    ]
    forwards = {job: _bytes(job) for job in jobs}
    backwards = {job: _bytes(job) for job in reversed(jobs)}
    assert forwards == backwards
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(_bytes, jobs[5:2:-1]) == [forwards[job] for job in jobs[5:2:-1]]
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.map(_bytes, jobs[1:3]) == [forwards[job] for job in jobs[1:3]]


def test_mandarin_finals_carry_their_tone() -> None:
    assert phonemes("ma1", "zh")[1] == "ɑ1"
    assert [phonemes(f"ma{tone}", "zh")[1][-1] for tone in (1, 2, 3, 4)] == ["1", "2", "3", "4"]


def test_japanese_length_is_heard_in_the_symbols() -> None:
    assert phonemes("オバサン", "ja") != phonemes("オバーサン", "ja")


def test_clauses_end_in_one_pause() -> None:
    assert phonemes("Yes, no.", "en").count(PAUSE) == 2


@pytest.mark.parametrize("text", ["", " ", "...", "\0", "☃"])
def test_nothing_to_say_is_a_data_error(text: str) -> None:
    with pytest.raises(DataError):
        phonemes(text, "ko")


def test_unknown_language_and_voice() -> None:
    with pytest.raises(DataError, match="'fr'"):
        phonemes("oui", "fr")  # type: ignore[arg-type]
    with pytest.raises(EnvironmentFaultError, match="'nobody'"):
        synthesise("yes", "en", Voice("nobody"), WPM)
    assert "Andrea" in variants()


@pytest.mark.parametrize(
    ("language", "ipa", "mnemonic", "symbol"),
    [
        ("ko", "ˈs-", "'s-", "ˈs͈"),
        ("ko", "tɕ", "tS;-", "tɕ͈"),
        ("ko", "tɕ", "tS;", "tɕ"),
        ("zh", "ˈiɛ", "'iE55", "iɛ1"),
        ("zh", "th", "th", "tʰ"),
        ("ja", "ˈo̞", "'o:", "ˈo̞ː"),
        ("en", "ˈiː", "'i:", "ˈiː"),
    ],
)
def test_the_map_from_espeak_to_our_symbols(language: Language, ipa: str, mnemonic: str, symbol: str) -> None:
    assert normalise(language, ipa, mnemonic) == symbol


def test_a_lateral_after_a_vowel_has_half_of_both() -> None:
    vowel, lateral = synthesise("달다", "ko", Voice(), WPM).timings[1:3]
    assert (vowel.symbol, lateral.symbol) == ("ˈɐ", "ɫ")
    assert abs((vowel.end - vowel.start) - (lateral.end - lateral.start)) <= 1


@pytest.mark.parametrize("text", ["손 안에 물을", "one in a box, all boys fall well"])
def test_no_sound_is_without_length(text: str) -> None:
    language: Language = "en" if text.isascii() else "ko"
    assert all(t.end > t.start for t in synthesise(text, language, Voice(), WPM).timings)


def test_a_phone_knows_where_its_word_begins() -> None:
    found = spoken_phones("yes, no", "en")
    assert [phone.place for phone in found if phone.symbol != PAUSE] == [0, 0, 0, 5, 5]
    assert [phone.symbol for phone in found] == phonemes("yes, no", "en")
