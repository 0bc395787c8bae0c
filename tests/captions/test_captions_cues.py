"""Where captions and lines end, and that limits hold whatever the text."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.captions import Cue, at, captions_of
from components.captions.units import plain_text, units_of
from components.captions.widths import clusters, width
from components.core.errors import DataError
from components.core.params.captions import CaptionParams
from components.core.utterance import LANGUAGES, Language
from components.nn.timed_speech import Timed

SPACED = ("ko", "en")


def spoken(words: list[str], seconds: float = 0.35, pauses: dict[int, float] | None = None) -> list[Timed]:
    """One word after the other; ``pauses``: silence before the word of that number."""
    found, now = [], 0.0
    for number, word in enumerate(words):
        now += (pauses or {}).get(number, 0.0)
        found.append(Timed(word, now, now + seconds))
        now += seconds
    return found


def without_spaces(cues: tuple[Cue, ...]) -> str:
    return "".join(line for cue in cues for line in cue.lines).replace(" ", "")


def test_korean_breaks_between_words_only(limits: CaptionParams) -> None:
    text = "오늘 오후에는 서울과 경기 북부 지역에 비가 조금 내리겠고, 밤부터는 차차 그치겠습니다."
    cues = captions_of(text, spoken(text.split()), "ko", limits)
    assert " ".join(line for cue in cues for line in cue.lines) == text
    assert cues[-1].lines == ("밤부터는 차차 그치겠습니다.",)
    assert max(width(line, "ko") for cue in cues for line in cue.lines) <= 16


def test_a_caption_ends_with_its_sentence_and_before_a_pause(limits: CaptionParams) -> None:
    words = ["그렇습니다.", "저는", "정말로", "괜찮아요.", "아니", "음"]
    cues = captions_of(" ".join(words), spoken(words, 0.9, {5: 1.0}), "ko", limits)
    assert [cue.lines for cue in cues] == [
        ("그렇습니다.",), ("저는 정말로 괜찮아요.",), ("아니",), ("음",)
    ]  # fmt: skip


def test_a_title_ends_no_sentence_and_a_comma_is_a_better_end_than_none(limits: CaptionParams) -> None:
    text = (
        "The quick brown fox, as it seems to most of us here, jumps over Dr. Smith and his rather lazy dogs"
    )
    cues = captions_of(text, spoken(text.split(), 0.3), "en", limits)
    assert [cue.lines[-1].split()[-1] for cue in cues] == ["here,", "dogs"]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "ja",
            ["「明日は", "ちょっと", "ラーメンを", "食べましょう」", "と、", "『山田』さんが", "言った。"],
        ),
        ("zh", ["“今天", "天气", "很好，", "我们", "（三个人）", "一起", "散步", "吧！”", "他", "说。"]),
    ],
)
def test_no_line_begins_or_ends_with_the_wrong_mark(
    language: Language, words: list[str], limits: CaptionParams
) -> None:
    for narrow in range(4, 14):
        params = limits.model_copy(update={"line_width": {**limits.line_width, language: narrow}})
        cues = captions_of("".join(words), spoken(words, 0.3), language, params)
        lines = [line for cue in cues for line in cue.lines]
        assert "".join(lines) == "".join(words)
        assert not [line for line in lines if line[0] in "、。，！」』）”ょっャーン々" and line[0] != "ン"]
        assert not [line for line in lines if line[-1] in "「『（“"]
        assert max(width(line, language) for line in lines) <= narrow


def test_japanese_breaks_between_phrases_where_it_can(limits: CaptionParams) -> None:
    words = ["明日は", "東京へ", "行って、", "ラーメンを", "食べましょう。"]
    (cue,) = captions_of("".join(words), spoken(words), "ja", limits)
    assert cue.lines == ("明日は東京へ行って、", "ラーメンを食べましょう。")


def test_latin_words_and_numbers_stay_whole_in_japanese(limits: CaptionParams) -> None:
    words = ["昨日の夜に", "Kubernetesと", "2026年の", "AIを学びました。"]
    cues = captions_of("".join(words), spoken(words), "ja", limits)
    lines = [line for cue in cues for line in cue.lines]
    assert any("Kubernetes" in line for line in lines)
    assert any("2026年" in line or line.endswith("2026") for line in lines)


def test_a_caption_stays_long_enough_to_be_read_but_ends_before_the_next(limits: CaptionParams) -> None:
    words = ["감사합니다.", "안녕히", "계세요."]
    first, last = captions_of(" ".join(words), spoken(words, 0.5, {1: 3.0}), "ko", limits)
    assert (first.start_ms, first.end_ms) == (0, 833)
    assert last.start_ms == 3500
    words = ["일.", "이."]
    first, last = captions_of("일. 이.", spoken(words, 0.5, {1: 0.35}), "ko", limits)
    assert (first.end_ms, last.start_ms) == (850 - 17, 850)  # the gap gives way before the caption does


def test_what_is_said_without_a_sound_is_shown(limits: CaptionParams) -> None:
    words = [Timed("정말", 0.0, 0.5), Timed("좋아요!", 0.5, 1.2)]
    (cue,) = captions_of("🙂 정말 👍🏽 좋아요! 🇰🇷", words, "ko", limits)
    assert " ".join(cue.lines) == "🙂 정말 👍🏽 좋아요! 🇰🇷"


def test_time_inside_a_word_runs_over_its_letters(limits: CaptionParams) -> None:
    units = units_of("天気、だ。", [Timed("天気、", 1.0, 2.0), Timed("だ。", 3.0, 3.5)], "ja", 13.0)
    assert [(u.text, u.start_ms, u.end_ms) for u in units] == [
        ("天", 1000, 1500), ("気、", 1500, 2000), ("だ。", 3000, 3500)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "at least one word"),
        ([Timed("다른", 0.0, 1.0)], "'다른'"),
        ([Timed("말", 0.5, 1.0), Timed("한", 1.0, 1.5)], "'한' after '한 말'"),
        ([Timed("한", 0.5, 1.0), Timed("말", 0.4, 1.5)], "times that run forward"),
        ([Timed("한", 0.5, 0.4)], "times that run forward"),
        ([Timed("", 0.0, 0.4)], "in its order"),
    ],
)
def test_words_of_another_text_are_refused(words: list[Timed], told: str, limits: CaptionParams) -> None:
    with pytest.raises(DataError, match=told):
        captions_of("한 말", words, "ko", limits)


def test_at_tells_the_caption_of_a_time() -> None:
    cues = (Cue(100, 900, ("가",)), Cue(1000, 1500, ("나",)))
    shown = {time: at(cues, time) for time in (0.0, 0.0999, 0.1, 0.8999, 0.9, 1.0, 1.4999, 1.5, 9.0)}
    assert [cue.lines[0] if cue else "" for cue in shown.values()] == [
        "",
        "",
        "가",
        "가",
        "",
        "나",
        "나",
        "",
        "",
    ]
    assert at((), 1.0) is None


TOKENS = st.text(
    st.one_of(
        st.sampled_from(
            "안녕하세요가나다abcXYZ123.,?!…'\"-<>&{}\\/()「」『』、。ーっょ東京天气好，！“”🙂👍🏽\u0301\u200d"
        ),
        st.characters(codec="utf-8"),
    ),
    min_size=1,
    max_size=24,
)


@settings(max_examples=300)
@given(
    st.sampled_from(LANGUAGES),
    st.lists(TOKENS, min_size=1, max_size=24),
    st.data(),
)
def test_limits_hold_and_nothing_is_lost_whatever_the_text(
    limits: CaptionParams, language: Language, tokens: list[str], data: st.DataObject
) -> None:
    joint = " " if language in SPACED else ""
    text = plain_text(joint.join(tokens))
    words = [word for token in tokens if (word := plain_text(token))]
    durations = [data.draw(st.sampled_from([0.0, 0.001, 0.08, 0.3, 1.0, 9.0])) for _ in words]
    silences = [data.draw(st.sampled_from([0.0, 0.0, 0.05, 2.0])) for _ in words]
    timed, now = [], 0.0
    for word, duration, silence in zip(words, durations, silences, strict=True):
        timed.append(Timed(word, now + silence, now + silence + duration))
        now += silence + duration
    try:
        cues = captions_of(text, timed, language, limits)
    except DataError:
        # Joined without spaces, marks may melt into what precedes them, and words with them.
        joined = plain_text(joint.join(words))
        assert not words or joined != joint.join(words) or joined != text
        return
    assert without_spaces(cues) == text.replace(" ", "")
    for cue in cues:
        assert cue.start_ms < cue.end_ms <= cue.start_ms + 1000 * limits.max_duration_s
        assert 1 <= len(cue.lines) <= limits.lines
        for line in cue.lines:
            assert line == line.strip() != ""
            wide = width(line, language)
            assert wide <= limits.line_width[language] or len(list(clusters(line))) == 1
    for cue, following in pairwise(cues):
        assert cue.end_ms <= following.start_ms
    if language in SPACED and all(width(w, language) <= limits.line_width[language] / 4 for w in words):
        assert [word for cue in cues for line in cue.lines for word in line.split()] == text.split()


def test_a_lecture_is_cut_in_time(limits: CaptionParams) -> None:
    words = [f"단어{number}" + ("." if number % 12 == 11 else "") for number in range(3000)]
    cues = captions_of(" ".join(words), spoken(words), "ko", limits)
    assert " ".join(line for cue in cues for line in cue.lines) == " ".join(words)
