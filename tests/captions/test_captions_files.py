"""What is written is read back by parsers of the test's own, after the formats' own rules."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.captions import Cue, write_captions
from components.captions.files import WORD_JOINER, srt_text, vtt_text
from components.core.errors import ConfigError

SRT_TIMES = re.compile(r"(\d{2,}):([0-5]\d):([0-5]\d),(\d{3}) --> (\d{2,}):([0-5]\d):([0-5]\d),(\d{3})")
VTT_TIMES = re.compile(r"(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3}) --> (\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3})")
#: What ffmpeg, VLC and mpv take for markup in SubRip.
SRT_TAG = re.compile(r"</?[a-zA-Z][^>]*>|\{\\[^}]*\}|\{[a-zA-Z]:[^}]*\}")


def milliseconds(parts: tuple[str, ...]) -> int:
    hours, minutes, seconds, rest = map(int, parts)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest


def read_srt(text: str) -> list[Cue]:
    """Blocks between empty lines: number, times, lines; tags are dropped as players do."""
    found = []
    for number, block in enumerate(text.removesuffix("\n").split("\n\n") if text else [], start=1):
        index, times, *lines = block.split("\n")
        assert index == str(number)
        matched = SRT_TIMES.fullmatch(times)
        assert matched, times
        assert not [line for line in lines if "-->" in line]
        shown = tuple(SRT_TAG.sub("", line).replace(WORD_JOINER, "") for line in lines)
        found.append(Cue(milliseconds(matched.groups()[:4]), milliseconds(matched.groups()[4:]), shown))
    return found


def read_vtt(text: str) -> list[Cue]:
    """After the WebVTT parser: a signature, blocks, times before any text; tags dropped, entities read."""
    head, *blocks = text.removesuffix("\n").split("\n\n")
    assert head == "WEBVTT"
    found = []
    for block in blocks:
        times, *lines = block.split("\n")
        matched = VTT_TIMES.fullmatch(times)
        assert matched, times
        assert not [line for line in lines if "-->" in line]
        shown = tuple(html.unescape(re.sub(r"<[^>]*>?", "", line)) for line in lines)
        found.append(Cue(milliseconds(matched.groups()[:4]), milliseconds(matched.groups()[4:]), shown))
    return found


LINES = st.lists(
    st.text(st.sampled_from("안녕 ab<>&;{}\\/-ibu1:,amplt"), min_size=1, max_size=20)
    .map(str.strip)
    .filter(bool),
    min_size=1,
    max_size=2,
).map(tuple)


@st.composite
def cue_lists(draw: st.DrawFn) -> list[Cue]:
    now, found = 0, []
    for lines in draw(st.lists(LINES, max_size=5)):
        start = now + draw(st.integers(0, 4_000_000))
        now = start + draw(st.integers(1, 7000))
        found.append(Cue(start, now, lines))
    return found


@settings(max_examples=300)
@given(cue_lists())
def test_what_is_written_is_read_back(cues: list[Cue]) -> None:
    assert read_srt(srt_text(cues)) == cues
    assert read_vtt(vtt_text(cues)) == cues


@pytest.mark.parametrize(
    "line",
    [
        "<i>기울임</i>",
        "{\\an8}위",
        "{y:i}글",
        "a --> b",
        "1 < 2 & 3 > 2",
        "&lt;",
        "&amp;lt;",
        "00:00:01,000 --> x",
    ],
)
def test_text_that_looks_like_markup_stays_text(line: str) -> None:
    cues = [Cue(0, 1000, (line,)), Cue(1000, 2000, ("끝",))]
    assert read_srt(srt_text(cues)) == cues
    assert read_vtt(vtt_text(cues)) == cues


def test_plain_text_gets_nothing_into_it() -> None:
    cues = [Cue(3_723_004, 3_724_500, ("안녕하세요.", "3 < 4 - 1")), Cue(360_000_000, 360_001_000, ("네",))]
    assert srt_text(cues) == (
        "1\n01:02:03,004 --> 01:02:04,500\n안녕하세요.\n3 < 4 - 1\n\n2\n100:00:00,000 --> 100:00:01,000\n네\n"
    )
    assert vtt_text(cues) == (
        "WEBVTT\n\n01:02:03.004 --> 01:02:04.500\n안녕하세요.\n3 &lt; 4 - 1\n\n"
        "100:00:00.000 --> 100:00:01.000\n네\n"
    )


def test_the_ending_chooses_the_kind(tmp_path: Path) -> None:
    cues = [Cue(0, 1000, ("말",))]
    for name, text in {"자막.srt": srt_text(cues), "x.VTT": vtt_text(cues)}.items():
        write_captions(tmp_path / name, cues)
        assert (tmp_path / name).read_bytes() == text.encode("utf-8")
    with pytest.raises(ConfigError, match=r"\.srt or \.vtt"):
        write_captions(tmp_path / "x.txt", cues)
    assert not (tmp_path / "x.txt").exists()
