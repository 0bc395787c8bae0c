"""Letters in pictures: in every language, within the margins, readable on any ground, none lost unsaid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components.captions import Cue, Lettering, burned, captions_of, drawable, fitting
from components.core.errors import EnvironmentFaultError
from components.core.params.captions import CaptionParams
from components.core.utterance import LANGUAGES, Language
from components.nn.timed_speech import Timed

TEXTS: dict[Language, str] = {
    "ko": "오늘은 날씨가 아주 좋습니다.",
    "en": "The weather is very fine today.",
    "ja": "今日はとても良い天気ですね。",
    "zh": "今天天气非常好，我们出去走走吧。",
}


@pytest.fixture(scope="module")
def lettering() -> Lettering:
    return Lettering("")


def spoken(text: str, language: Language) -> list[Timed]:
    words = text.split() if language in ("ko", "en") else [text]
    return [Timed(word, 0.5 * n, 0.5 * n + 0.5) for n, word in enumerate(words)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("width", "height"), [(640, 360), (360, 640), (128, 128)])
def test_every_language_is_drawn_within_the_margins(
    limits: CaptionParams, lettering: Lettering, language: Language, width: int, height: int
) -> None:
    lettering.require(language)
    text, ground = TEXTS[language], np.full((height, width, 3), 128, np.uint8)
    cues = captions_of(text, spoken(text, language), language, fitting(limits, width, height))
    shown, undrawn = drawable(cues, lettering)
    assert (shown, undrawn) == (cues, "")
    # one picture a second, in the middle of each second
    pictures = list(burned([ground] * 3, 1.0, shown, lettering, limits.burn))
    assert pictures[2] is ground or shown[-1].end_ms > 2500
    rows, columns = np.nonzero(np.any(pictures[0] != ground, axis=2))
    slack = 1 + round(limits.burn.outline_share * max(limits.burn.min_pixels, 0.06 * height))
    assert columns.min() >= round(0.05 * width) - slack
    assert columns.max() < width - round(0.05 * width) + slack
    assert rows.max() < height - round(0.05 * height) + slack
    assert rows.min() >= height // 2 - 16
    assert pictures[0].max() > 220
    assert pictures[0].min() < 30
    assert np.all(ground == 128)


def test_narrow_pictures_get_shorter_lines_that_end_between_korean_words(limits: CaptionParams) -> None:
    text = TEXTS["ko"]
    narrow = fitting(limits, 160, 160)
    assert narrow.line_width["ko"] == 9
    cues = captions_of(text, spoken(text, "ko"), "ko", narrow)
    lines = [line for cue in cues for line in cue.lines]
    assert " ".join(lines) == text
    assert len(lines) >= 2
    assert fitting(limits, 1920, 1080) == limits


def test_white_is_read_on_white(limits: CaptionParams, lettering: Lettering) -> None:
    white = np.full((120, 320, 3), 255, np.uint8)
    (picture,) = burned([white], 1.0, [Cue(0, 1000, ("한글",))], lettering, limits.burn)
    ink = np.count_nonzero(picture.min(axis=2) < 64)
    assert ink > 100


def test_what_the_font_lacks_is_left_out_and_told(lettering: Lettering) -> None:
    cues = [Cue(0, 900, ("값은 ₩900 🙂", "👩‍💻")), Cue(900, 1800, ("🙂",))]
    shown, undrawn = drawable(cues, lettering)
    assert [cue.lines for cue in shown] == [("값은 ￦900",)]
    assert undrawn == "🙂👩‍💻".replace("\u200d", "")


def test_no_font_is_told(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFaultError, match=r"captions\.burn\.font"):
        Lettering(str(tmp_path / "none.ttf"))
