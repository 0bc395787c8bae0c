"""Lists of readings: numbers, dates, units, letters, Mandarin tones, Japanese accent, English stress."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from components.core.utterance import Language
from components.text import phonemise, spoken

LIST = Path(__file__).with_name("readings.csv")
with LIST.open(encoding="utf-8", newline="") as stream:
    ROWS = [(row["language"], row["written"], row["said"]) for row in csv.DictReader(stream)]


@pytest.mark.parametrize(("language", "written", "said"), ROWS)
def test_what_is_written_is_said_in_words(language: Language, written: str, said: str) -> None:
    """Where accent phrases part is Open JTalk's choice and not what the Japanese list is about."""
    found = spoken(written, language)
    if language == "ja":
        found, said = found.replace(" ", ""), said.replace(" ", "")
    assert found in said.split("/")


def test_the_lists_are_long_enough() -> None:
    counts = Counter(language for language, _, _ in ROWS)
    assert min(counts.values()) >= 40


def _symbols(text: str, language: Language) -> str:
    return " ".join(phonemise(text, language).symbols[:-1])


@pytest.mark.parametrize(
    ("written", "symbols"),
    [
        ("箸が", "h á sh i g a"),
        ("橋が", "h a sh í g a"),
        ("端が", "h a sh í g á"),
        ("雨が", "á m e g a"),
        ("飴が", "a m é g á"),
        ("酒が", "s a k é g á"),
        ("鮭が", "s á k e g a"),
        ("神が", "k á m i g a"),
        ("紙が", "k a m í g a"),
        ("日本", "n i h ó N"),
        ("今", "í m a"),
        ("海が", "ú m i g a"),
        ("花が", "h a n á g a"),
        ("鼻が", "h a n á g á"),
        ("桜が", "s a k ú r á g á"),
        ("命が", "í n o ch i g a"),
    ],
)
def test_japanese_pitch_tells_words_apart(written: str, symbols: str) -> None:
    """Accents of the NHK dictionary for words that differ in it; high is marked."""
    assert _symbols(written, "ja") == symbols


@pytest.mark.parametrize(
    ("written", "symbols"),
    [
        ("学校", "g a cl k ó ó"),
        ("切手", "k i cl t e"),
        ("好きです", "s u̥ k í d e s u̥"),
        ("パーティー", "p á a t i i"),
        ("お母さん", "o k á a s a N"),
        ("おばさん", "o b a s a N"),
    ],
)
def test_japanese_length_gemination_and_devoicing(written: str, symbols: str) -> None:
    plain = str.maketrans("áíúéóŃ", "aiueoN")
    assert _symbols(written, "ja").translate(plain) == symbols.translate(plain)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("the record of it", "to record it"),
        ("a present for you", "to present it"),
        ("an object here", "to object now"),
        ("a permit for it", "they permit it"),
        ("his conduct was good", "to conduct it"),
    ],
)
def test_english_stress_tells_noun_from_verb(first: str, second: str) -> None:
    def stressed(text: str) -> list[int]:
        found = phonemise(text, "en")
        long_word = max(range(len(found.written)), key=lambda word: len(found.written[word]))
        vowels = [s for s, w in zip(found.symbols, found.words, strict=True) if w == long_word]
        return [place for place, symbol in enumerate(vowels) if symbol[0] == "ˈ"]

    assert stressed(first) != stressed(second)


@pytest.mark.parametrize(
    ("word", "symbols"),
    [
        ("cat", "k ˈæ t"),
        ("happy", "h ˈæ p iː"),
        ("banana", "b ə n ˈæ n ə"),
        ("fair", "f ˈɛ ɹ"),
        ("here", "h ˈɪ ɹ"),
        ("button", "b ˈʌ t ə n"),
        ("little", "l ˈɪ ɾ ə l"),
        ("thirty", "θ ˈɜː ɾ iː"),
    ],
)
def test_english_phones_with_stress(word: str, symbols: str) -> None:
    assert _symbols(word, "en") == symbols
