"""The gate's own sentences, made by the gate itself, told in Korean."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from fakes.report_inputs import STAMP, report_inputs, write_samples
from fixture_evidence import NOW, evidence, laptop_params, metric, spread, summed

from components.core.metrics import Evidence, Metric, NotMeasured, Reason
from components.promotion.gate import decide
from components.reporting.inputs import kst_text
from components.reporting.iris_note import write_note
from components.reporting.korean import phrase_korean, reason_korean, told_korean
from components.reporting.names import fact_korean
from components.reporting.parameter_sheet import write_parameter_sheet
from components.reporting.review_page import review_page

PARAMS = laptop_params()
NO_RECOGNISER = "no recogniser configured (evaluation.recogniser.id is none)"
ENGLISH = re.compile(r"\b(?:the|value|misses|meets|target|sentences|scored|count|not|measured|champion|is)\b")


def holding(*metrics: Metric) -> Evidence:
    """The fixture's evidence with these metrics instead."""
    return evidence().model_copy(update={"metrics": metrics})


def reasons(found: Evidence, champion: Evidence | None = None) -> dict[str, Reason]:
    """The gate's last reason of each KPI."""
    decision = decide(
        "fastpitch",
        found,
        PARAMS.kpi,
        PARAMS.evaluation,
        champion,
        "3" if champion else None,
        NOW,
        PARAMS.seed,
    )
    return {reason.kpi: reason for reason in decision.reasons}


def similarity(value: float, **changes: Any) -> Metric:
    return metric("speaker_similarity", value, **changes)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            similarity(0.477),
            ("0.477", "목표 0.85 (무차원) 이상", "값이 목표에 미달함", "0.373 부족", "n=120"),
        ),
        (similarity(0.9), ("% 경계 0.9까지 목표를 만족함", "0.05 여유")),
        (
            metric("speaker_similarity", **summed(spread(0.86, 0.1))),
            ("이(가) 만족하지 못함", "판정하려면 문장 약", "개 필요"),
        ),
        (metric("speaker_similarity", **summed(spread(0.85, 0.1))), ("문장 수를 늘려도 판정할 수 없음",)),
        (
            similarity(0.88, per_sentence=spread(0.9, 0.0)),
            ("문장별 점수로는 0.9인데 기록에는 0.88(으)로 적힘",),
        ),
        (
            similarity(0.9, per_sentence={"ko_01": 0.9}),
            ("문장 1개만 채점됨", f"최소 {PARAMS.kpi.speaker_similarity.n_min}개 필요"),
        ),
        (similarity(0.9, ceiling=None), ("실녹음 상한 없음",)),
        (similarity(0.9, evidence="simulated", floor=0.9), ("모의 값", "타화자 하한 0.9이(가)", "; ")),
        (metric("latency_p95_ms", 212.0), ("212 ms", "목표 500 ms 이하", "288 여유")),
    ],
)
def test_a_figure_against_its_target(found: Metric, words: tuple[str, ...]) -> None:
    reason = reasons(holding(found))[found.name]
    said = reason_korean(reason)
    for word in words:
        assert word in said, said
    assert not ENGLISH.search(said), said


def test_a_kpi_that_was_not_measured() -> None:
    missing = NotMeasured(name="pronunciation_accuracy", reason=NO_RECOGNISER)
    found = holding(similarity(0.9)).model_copy(update={"not_measured": (missing,)})
    said = reason_korean(reasons(found)["pronunciation_accuracy"])
    assert said.startswith("측정하지 않음 (음소 인식기 없음")
    assert not ENGLISH.search(said.replace("recogniser.id", "")), said


def test_one_language_and_the_mean_of_all() -> None:
    scored = metric("pronunciation_accuracy", 0.93)
    decision = decide(
        "fastpitch", holding(scored), PARAMS.kpi, PARAMS.evaluation, None, None, NOW, PARAMS.seed
    )
    said = [reason_korean(reason) for reason in decision.reasons if reason.kpi == scored.name]
    assert any(text.startswith("ko 0.93") and "여유" in text for text in said), said
    assert any(text.startswith("언어 평균 0.93") for text in said), said


@pytest.mark.parametrize(("gain", "word"), [(0.0, "열등하지 않음"), (-0.08, ": 열등함")])
def test_against_the_champion(gain: float, word: str) -> None:
    said = reason_korean(
        reasons(holding(similarity(0.9 + gain)), holding(similarity(0.9)))["speaker_similarity"]
    )
    assert "챔피언 v3 대비 이득" in said
    assert word in said
    assert not ENGLISH.search(said), said


def test_a_void_comparison_says_why() -> None:
    other = holding(similarity(0.9)).model_copy(update={"sentences_sha256": "e" * 64})
    said = reason_korean(reasons(holding(similarity(0.9)), other)["champion"])
    assert "챔피언 v3과의 비교 무효" in said
    assert "다른 문장 집합(eeeeeeeeeeee)" in said
    assert "챔피언을 먼저 다시 평가해야 함" in said


def test_no_gpu_names_the_device() -> None:
    assert phrase_korean("no GPU: evaluated on cpu: Arm × 4") == "GPU 없음: cpu: Arm × 4에서 평가함"


@pytest.mark.parametrize("text", ["", "a phrase nobody knows", "no GPU: {0} {device}", "; ;"])
def test_an_unknown_phrase_stays_as_it_is(text: str) -> None:
    assert text.removeprefix("no GPU: ") in phrase_korean(text)


SENTENCE = re.compile(r"[A-Za-z]{2,}(?:[ ,]+[a-z]{2,}){2,}")


@pytest.mark.parametrize(
    "said",
    [
        (
            "says 4 sentences as well as evaluated (evaluated on NVIDIA A100, judged here: "
            "pronunciation 0.912, now 0.905, likeness 0.810, now 0.800, at most 0.1 apart)"
        ),
        (
            "says 1 of 4 sentences otherwise than evaluated: ko_07: 1.200 s instead of 1.300 "
            "(at most 0.02 s apart); spectra agree to 3.1 dB, at least 20 count"
        ),
        "renders 4 clips as evaluated (frames differ by 0.02 of 255 at most)",
        (
            "renders 2 of 4 clips otherwise than evaluated: espeak_nguyen_ko_0011: frame 3 of 25 differs by "
            "40.12 of 255 levels, at most 2 count; b-1: frame 0 of 30 differs by 4.1 of 255 levels, "
            "at most 2 count"
        ),
        "the registry has weights 0123456789ab, weights cdef01234567 were evaluated",
        "time.perf_counter device synchronised",
        "endings of decoding models.<model>.inference.loop",
        "mean absolute difference RGB, 0 to 1",
    ],
)
def test_what_an_export_and_a_judge_say_is_told_in_korean(said: str) -> None:
    told = phrase_korean(said)
    assert not SENTENCE.search(told), told
    for number in re.findall(r"\d+\.\d+", said):
        assert number in told


def test_the_korean_page_note_and_sheet_hold_no_english_sentence(tmp_path: Path) -> None:
    """Titles of papers, the sheet's own English lines and the sentences that were spoken are English."""
    inputs = report_inputs(write_samples(tmp_path / "samples", 1))
    page = re.sub(r"<(style|script)[^>]*>.*?</\1>", "", review_page(inputs), flags=re.DOTALL)
    korean = re.sub(r'<span class="en">.*?</span>', "", page, flags=re.DOTALL)
    lines = re.sub(r"<[^>]+>", "\n", korean).split("\n")
    note = write_note(inputs, STAMP.date()).text.split("참고 자료")[0].split("\n")
    lines += [line for line in note if "기준값(연구로그)" not in line and "프로파일에서 줄인 값" not in line]
    write_parameter_sheet(inputs, tmp_path / "sheet.xlsx")
    book = openpyxl.load_workbook(tmp_path / "sheet.xlsx")
    lines += [
        str(cell)
        for name in ("정량목표", "실행이력", "정기점검", "비용", "데이터", "변경이력", "환경")
        for row in book[name].iter_rows(values_only=True)
        for cell in row
    ]
    found = [line for line in lines if SENTENCE.search(line)]
    assert not found, found
    assert any(inputs.params.kpi.source.ko in line for line in lines)
    assert not any(inputs.params.kpi.source.en in line for line in lines)
    assert inputs.params.kpi.source.ko in "".join(
        str(row[1].value) for row in book["표지"].iter_rows(min_row=4)
    )
    assert html.escape(inputs.params.kpi.source.en) in page.replace("&#39;", "&#x27;")


def test_moments_units_and_states_are_told_as_people_write_them(tmp_path: Path) -> None:
    assert kst_text("2026-03-09T03:40:12+00:00") == "2026-03-09 12:40 KST"
    assert kst_text("2026-03-09T03:40:12") == "2026-03-09 12:40 KST"
    assert kst_text("없음") == "없음"
    assert fact_korean("speech 3") == "음성 3"
    assert fact_korean("espeak.accepted") == "espeak.수락"
    write_parameter_sheet(report_inputs(), tmp_path / "sheet.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "sheet.xlsx")["실행이력"]
    head, first = ([cell.value for cell in sheet[row]] for row in (3, 4))
    assert "화자 유사도 [무차원] 자체측정" in head
    told = dict(zip(head, first, strict=True))
    assert (told["상태"], told["시작"], told["판정"]) == ("완료", "2026-03-09 12:34 KST", "판정불가")


def test_a_fault_and_a_reason_of_ingest_are_told_by_name_or_phrase() -> None:
    assert told_korean("the speaker verifier hears no voice") == "화자 검증기가 목소리를 듣지 못함"
    assert told_korean("silent: below -60 dBFS") == "무음: -60 dBFS 미만"
    assert told_korean("too_long") == "너무 김"
    assert told_korean(6662) == 6662
    assert "생략" in fact_korean("skipped.human")
