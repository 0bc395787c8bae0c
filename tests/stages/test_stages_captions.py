"""The tool captions: from timings and from a recording, and which options go together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile
from fixture_evidence import laptop_params

from components.core.errors import ConfigError, DataError
from components.core.paths import project_root
from components.data.generated.voices import speakers
from components.espeak import synthesise
from components.stages.captions import CaptionWish, caption
from components.text import spoken

TOLD = {
    "text": "한 말",
    "language": "ko",
    "words": [{"text": "한", "start_s": 0.0, "end_s": 0.5}, {"text": "말", "start_s": 0.5, "end_s": 1.1}],
}


def _timings(folder: Path, told: object) -> Path:
    path = folder / "x.wav.timings.json"
    path.write_text(json.dumps(told), encoding="utf-8")
    return path


def test_timings_become_captions(tmp_path: Path) -> None:
    out = tmp_path / "자막.srt"
    cues = caption(tmp_path, laptop_params(), CaptionWish(timings=_timings(tmp_path, TOLD)), out)
    assert out.read_text(encoding="utf-8") == "1\n00:00:00,000 --> 00:00:01,100\n한 말\n"
    assert len(cues) == 1


def test_a_recording_of_any_rate_is_aligned_with_its_text(tmp_path: Path) -> None:
    text = "안녕하세요. 오늘은 날씨가 아주 좋습니다."
    said = synthesise(spoken(text, "ko"), "ko", speakers()[0].voice, 165)
    wav, out = tmp_path / "말.flac", tmp_path / "x.vtt"
    soundfile.write(wav, said.samples, said.sample_rate_hz)
    wish = CaptionWish(audio=wav, text=text, language="ko")
    cues = caption(project_root(), laptop_params(), wish, out)
    assert " ".join(line for cue in cues for line in cue.lines) == text
    assert out.read_text(encoding="utf-8").startswith("WEBVTT\n\n00:00:00.")


@pytest.mark.parametrize(
    "wish",
    [
        CaptionWish(),
        CaptionWish(audio=Path("x.wav"), text="말"),
        CaptionWish(timings=Path("x.json"), text="말"),
        CaptionWish(text="말", language="ko"),
    ],
)
def test_options_belong_together(wish: CaptionWish, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="either --timings, or --audio, --text and --language"):
        caption(tmp_path, laptop_params(), wish, tmp_path / "x.srt")
    with pytest.raises(ConfigError, match=r"\.srt or \.vtt"):
        caption(tmp_path, laptop_params(), wish, tmp_path / "x.ass")


@pytest.mark.parametrize("told", [[], {}, {**TOLD, "words": [{"text": "한"}]}, {**TOLD, "words": 3}, "x"])
def test_what_are_no_timings_is_told(told: object, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the timings that `synthesise` writes"):
        caption(tmp_path, laptop_params(), CaptionWish(timings=_timings(tmp_path, told)), tmp_path / "x.srt")
    assert not (tmp_path / "x.srt").exists()


def test_a_missing_recording_and_an_unknown_language_are_told(tmp_path: Path) -> None:
    out = tmp_path / "x.srt"
    with pytest.raises(DataError, match="audio that decodes"):
        caption(project_root(), laptop_params(), CaptionWish(tmp_path / "no.wav", "말", "ko"), out)
    with pytest.raises(DataError, match="one of ko, en, ja, zh"):
        caption(project_root(), laptop_params(), CaptionWish(tmp_path / "no.wav", "말", "fr"), out)
    assert not out.exists()
