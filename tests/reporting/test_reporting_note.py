"""The note: three outputs that say the same, strict HTML, and a lint that refuses."""

from __future__ import annotations

import datetime
import re
from dataclasses import replace

import pytest
from fakes.report_inputs import PROJECT, RUN, report_inputs, run_summary
from hypothesis import example, given, settings
from hypothesis import strategies as st

from components.core.errors import ReportRefusedError
from components.core.params.platform import NextPlan
from components.reporting.figures import Status
from components.reporting.inputs import Failure, ReportInputs, Snapshot, reality_line
from components.reporting.iris_note import (
    STRICT_TAGS,
    TABLE_TAGS,
    html_fragment,
    markdown,
    plain_text,
    sanitise,
    tidy,
    write_note,
)
from components.reporting.note import Claim, Note, NoteSection
from components.reporting.note_content import build_note
from components.reporting.note_lint import check_note, check_same_words
from components.stages.export_params import inputs_without_runs

TODAY = datetime.date(2026, 3, 10)


BASE = build_note(report_inputs(), TODAY)


def note_with(text: str) -> Note:
    return replace(BASE, sections=(NoteSection("1. 제목", (Claim(text),)),))


def report_section(inputs: ReportInputs, **changes: object) -> ReportInputs:
    report = inputs.params.report.model_copy(update=changes)
    return replace(inputs, params=inputs.params.model_copy(update={"report": report}))


def test_the_strict_profile_has_only_its_tags_and_no_attribute() -> None:
    fragment = write_note(report_inputs(), TODAY).html
    tags = re.findall(r"</?([a-z0-9]+)([^>]*)>", fragment)
    assert {name for name, _ in tags} <= STRICT_TAGS
    assert {rest.strip() for _, rest in tags} <= {"", "/"}
    assert "<br>" not in fragment
    assert "<hr>" not in fragment


def test_the_table_profile_adds_a_bordered_table() -> None:
    fragment = write_note(report_inputs(), TODAY, "table").html
    assert set(re.findall(r"<([a-z0-9]+)", fragment)) <= TABLE_TAGS
    assert '<table border="1">' in fragment
    assert '<th scope="col">예상</th>' in fragment


@pytest.mark.parametrize("profile", ["strict", "table"])
def test_the_fragment_is_a_fixed_point_of_the_sanitiser(profile: str) -> None:
    fragment = html_fragment(build_note(report_inputs(), TODAY), profile)  # type: ignore[arg-type]
    assert sanitise(fragment, profile) == fragment  # type: ignore[arg-type]


def test_all_three_outputs_carry_the_logs_facts() -> None:
    texts = write_note(report_inputs(), TODAY)
    for fact in (
        "배치 크기 16",
        "420 ms → 360 ms 예상",
        "120문장",
        "4개 언어",
        "0.87 (무차원) 예상",
        "52 GB 예상",
        "정의서 12건",
    ):
        assert fact in texts.text, fact
        assert fact in texts.html, fact
        assert fact in texts.markdown, fact


def test_the_citations_are_the_corrected_ones() -> None:
    text = write_note(report_inputs(), TODAY).text
    assert "Łańcucki, “FastPitch: Parallel Text-to-Speech with Pitch Prediction”" in text
    assert (
        "“Speak Foreign Languages with Your Own Voice: Cross-Lingual Neural Codec Language Modeling”" in text
    )


def test_the_head_is_kst_with_weekday_and_no_invented_signature() -> None:
    late = datetime.datetime(2026, 3, 9, 15, 30, tzinfo=datetime.UTC)  # already the 10th in Seoul
    text = write_note(report_inputs(stamp=late), TODAY).text
    assert text.startswith("날짜: 2026년 3월 10일(화)\n작성자:\n확인:\n")


def test_twice_the_same(tmp_path: object) -> None:
    assert write_note(report_inputs(), TODAY) == write_note(
        report_inputs(), TODAY + datetime.timedelta(days=9)
    )


def test_models_without_runs_and_figures_without_runs_read_unmeasured() -> None:
    text = write_note(inputs_without_runs(PROJECT, None), TODAY).text
    assert "자체측정 값은" in text  # the reality line only
    assert text.count("실행 기록 없음: 정의만 완료(미측정)") == 4


def test_it_ends_with_what_it_shows_and_what_not() -> None:
    inputs = report_inputs()
    assert write_note(inputs, TODAY).text.rstrip().endswith(reality_line(inputs.params)[0])


def test_changes_since_the_last_note_are_old_and_new() -> None:
    inputs = report_inputs()
    values = {"models.vallex.inference.top_k": 50}
    changed = replace(inputs, previous=Snapshot("2026-03-02T00:00:00+00:00", values, "old", "x"))
    assert "변경: models.vallex.inference.top_k 50 → 40" in write_note(changed, TODAY).text


def test_problems_come_from_failed_runs_attempts_and_reasons() -> None:
    failed = run_summary("dead", status="FAILED", tags={"model": "fastpitch", "failure": "loss became NaN"})
    attempt = Failure("features", "fastpitch", "2026-03-09T01:00:00+00:00", "disk <full>")
    text = write_note(report_inputs(runs=(failed,), failures=(attempt,)), TODAY).text
    assert "실패한 실행 dead" in text
    assert "실패): loss became NaN" in text
    assert "2026-03-09 10:00 KST): disk" in text
    assert "loss became NaN" in text
    assert "disk <full>" in text
    assert "발음 정확도: 측정하지 않음 (음소 인식기 없음" in text


ATTACKS = [
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "</li></ul><img src=x onerror=1>",
    "a & b < c > d",
    "**x** _y_ `z`",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_markup_in_content_stays_text(attack: str) -> None:
    note = note_with(attack)
    fragment = html_fragment(note, "strict")
    assert sanitise(fragment, "strict") == fragment
    assert not re.search(r"<(script|img)", fragment)
    inputs = report_section(report_inputs(), phase=attack)
    assert attack in write_note(inputs, TODAY).text


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=80))
@example(text="0\x1f0")
@example(text="1. - # x")
def test_any_text_prints_alike_in_all_three(text: str) -> None:
    note = tidy(note_with(text))
    fragment = html_fragment(note, "strict")
    check_same_words(markdown(note), plain_text(note), fragment)
    assert sanitise(fragment, "strict") == fragment


def refused(note: Note, plans: tuple[NextPlan, ...] = (), today: datetime.date = TODAY) -> str:
    with pytest.raises(ReportRefusedError) as caught:
        check_note(note, plans, today)
    return " ".join(caught.value.details)


def test_lint_refuses_the_future_and_plans_of_the_past() -> None:
    note = build_note(report_inputs(), TODAY)
    assert "future" in refused(note, today=datetime.date(2026, 3, 8))
    assert "before the note's date" in refused(note, (NextPlan(date="2026-03-01", text="실험"),))


def test_lint_refuses_a_reviewer_who_is_the_author() -> None:
    assert "same person" in refused(replace(note_with("x"), author="강", reviewer="강"))


@pytest.mark.parametrize(
    ("claim", "finding"),
    [
        (Claim("지연 300 ms", Status.MEASURED), "without a run"),
        (Claim("지연 300", Status.MEASURED, RUN, quantity=True), "without a unit"),
        (Claim("지연 300", Status.MEASURED, RUN, quantity=True, unit="ms"), "not printed"),
        (Claim("지연 300 ms", None, RUN, quantity=True, unit="ms"), "without a status"),
        (Claim("지연 300 ms", Status.EXPECTED, quantity=True, unit="ms"), "does not say so"),
    ],
)
def test_lint_refuses_a_bad_claim_wherever_it_stands(claim: Claim, finding: str) -> None:
    nested = Claim("모델", children=(claim,))
    assert finding in refused(replace(note_with("x"), sections=(NoteSection("3", (nested,)),)))


def test_lint_refuses_a_fragment_that_lost_a_fact() -> None:
    texts = write_note(report_inputs(), TODAY)
    with pytest.raises(ReportRefusedError, match="differ"):
        check_same_words(texts.markdown, texts.text, texts.html.replace("배치 크기 16", ""))
    with pytest.raises(ReportRefusedError, match="differ"):
        check_same_words(texts.markdown.replace("420 ms", ""), texts.text, texts.html)
