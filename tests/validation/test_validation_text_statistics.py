"""Pace and script of texts."""

from __future__ import annotations

import pytest

from components.validation.text_statistics import characters, characters_per_second, script_share


@pytest.mark.parametrize(
    ("text", "language", "share"),
    [
        ("안녕하세요, 반갑습니다.", "ko", 1.0),
        ("오늘 OK", "ko", 0.5),
        ("Good morning!", "ko", 0.0),
        ("コーヒーを飲みます。", "ja", 1.0),
        ("人々", "ja", 1.0),
        ("今天天气很好。", "zh", 1.0),
        ("これは日本語", "zh", 0.5),
        ("naïve café", "en", 1.0),
        ("Привет", "en", 0.0),
        ("Привет", "ru", 1.0),
        ("2024, 10!", "ko", 1.0),
        ("", "it", 1.0),
    ],
)
def test_script_share(text: str, language: str, share: float) -> None:
    assert script_share(text, language) == pytest.approx(share)


def test_spaces_and_punctuation_take_no_time() -> None:
    assert characters("가 나, 다! 12") == 5
    assert characters_per_second("가 나, 다! 12", 2.5) == 2.0
    assert characters_per_second("가", 0.0) == 0.0
