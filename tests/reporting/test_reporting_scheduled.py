"""Alerts, the difference to the last report, trends: in the sheet, on the page, and as a golden file."""

from __future__ import annotations

import datetime
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from fakes.report_inputs import PROJECT, RUN, STAMP, decision, evidence, metric, report_inputs, run_summary

from components.core.drift import ModelDrift, Shift
from components.reporting.alerts import alerts
from components.reporting.changes import snapshot
from components.reporting.inputs import ReportInputs, Snapshot
from components.reporting.iris_note import write_note
from components.reporting.parameter_sheet import write_parameter_sheet
from components.reporting.review_page import review_page
from components.reporting.scheduled import scheduled_review

GOLDEN = Path(__file__).parent / "golden_report.json"
EARLIER = "a" * 32
#: Lines of the note that list values of params.yaml: other tests hold them.
OF_PARAMS = ("기준값(연구로그)", "프로파일에서 줄인 값")
SHIFTS = (
    Shift("f0_hz", "drifted", 0.4, 0.0012, 0.2, "180", "120", 60, 60),
    Shift("languages", "same", 0.01, None, 0.2, "en 50% ko 50%", "en 48% ko 52%", 400, 410),
)


def earlier_run(value: float) -> Any:
    return run_summary(
        EARLIER,
        started=(STAMP - datetime.timedelta(days=7)).isoformat(),
        ended=(STAMP - datetime.timedelta(days=7, minutes=-6)).isoformat(),
        metrics={"speaker_similarity": value},
        tags={
            "model": "fastpitch",
            "evaluation.speaker_similarity.evidence": "measured on cpu: fixture × 2, float32",
        },
    )


def period(**changes: Any) -> ReportInputs:
    """FastPitch was better a week ago, and its data are other ones now."""
    inputs = report_inputs(runs=(run_summary(), earlier_run(0.893)))
    before = replace(
        snapshot(inputs),
        stamp=(STAMP - datetime.timedelta(days=7)).isoformat(),
        figures={"fastpitch.speaker_similarity": 0.893, "fastpitch.latency_p95_ms": 205.0},
        verdicts={"fastpitch": "PASS"},
    )
    drift = (ModelDrift("fastpitch", "3", "e" * 32, "", SHIFTS),)
    return replace(inputs, **{"previous": before, "drift": drift, **changes})


def test_a_fall_beyond_the_margin_an_open_verdict_and_moved_data_are_told() -> None:
    found = alerts(period())
    assert [one.kind for one in found] == ["regression", "inconclusive", "drift"]
    assert "0.893 → 0.871" in found[0].ko  # latency fell by 7 ms: within its margin of 20
    assert "발음 정확도" in found[1].ko
    assert "180 → 120" in found[2].ko


def test_a_champion_that_was_better_is_a_regression_too_and_a_simulated_figure_never() -> None:
    (report,) = period().models
    champion = evidence(metric("speaker_similarity", 0.95, "1"))
    judged = decision().model_copy(update={"champion_version": "3"})
    worse = period(models=(replace(report, champion=champion, decision=judged),))
    assert [one.kind for one in alerts(worse)].count("regression") == 2
    simulated = evidence(metric("speaker_similarity", 0.2, "1", evidence="simulated"))
    assert not [
        one
        for one in alerts(period(models=(replace(report, evidence=simulated),)))
        if one.kind == "regression"
    ]


def test_a_pass_without_drift_is_quiet() -> None:
    (report,) = period().models
    passed = decision().model_copy(update={"verdict": "PASS"})
    quiet = period(models=(replace(report, decision=passed),), previous=None, drift=())
    assert alerts(quiet) == ()
    assert "경보 없음" in review_page(quiet)
    assert "정기 점검 경보 없음" in write_note(quiet, STAMP.date()).text


def test_the_note_names_every_alert_in_korean() -> None:
    lost = ModelDrift("fastpitch", "3", "e" * 32, "data version e1 cannot be restored: gone", ())
    inputs = period(drift=(*period().drift, lost))
    note = write_note(inputs, STAMP.date())
    problems = note.text.partition("4. 문제점")[2].partition("5. 다음 계획")[0]
    assert "정기 점검 경보 4건" in problems
    assert "[성능 하락] FastPitch (음성 합성): 화자 유사도 0.893 → 0.871" in problems
    assert "[판정불가] FastPitch (음성 합성): 게이트 판정 판정불가: 발음 정확도" in problems
    assert "기본 주파수(f0) 180 → 120" in problems
    assert "데이터 버전 e1을(를) 복원할 수 없음: gone" in problems
    assert "<li>[성능 하락]" in note.html


def test_an_earlier_snapshot_without_figures_is_still_read() -> None:
    old = {"stamp": STAMP.isoformat(), "definitions": {}, "data_md5": "", "git_sha": ""}
    assert scheduled_review(period(previous=Snapshot(**old))).figures  # everything is new


def test_sheet_and_page_carry_alerts_difference_drift_and_trend(tmp_path: Path) -> None:
    inputs = period()
    write_parameter_sheet(inputs, tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["정기점검"]
    cells = [tuple(row) for row in sheet.iter_rows(min_row=4, values_only=True)]
    assert {row[0] for row in cells} == {"경보", "지난 보고와의 차이", "데이터 변화", "추세", "청취 평가"}
    assert ("FastPitch (음성 합성)", "게이트 판정", "통과", "판정불가") in {row[1:5] for row in cells}
    trend = next(row for row in cells if row[0] == "추세" and "유사도" in str(row[2]))
    assert trend[3:7] == ("0.893", "0.871", "목표 0.85", "실행 2회")
    page = review_page(inputs)
    section = page[page.index('id="scheduled"') : page.index('id="fastpitch"')]
    assert len(re.findall("<polyline", section)) == 2  # similarity twice measured, latency once
    assert len(re.findall('class="value"', section)) == 3
    assert "경보 3건" in section


def told(tmp_path: Path) -> dict[str, Any]:
    """A whole report as plain values: every cell of the sheet, the note, the page's text."""
    inputs = period()
    write_parameter_sheet(inputs, tmp_path / "golden.xlsx")
    book = openpyxl.load_workbook(tmp_path / "golden.xlsx")
    # the other sheets change with every parameter and have their own tests
    sheets = {
        name: [
            [str(cell) for cell in row if cell is not None] for row in book[name].iter_rows(values_only=True)
        ]
        for name in ("정량목표", "실행이력", "정기점검", "비용", "데이터")
    }
    page = re.sub(r"<(style|script)[^>]*>.*?</\1>", "", review_page(inputs), flags=re.DOTALL)
    words = re.sub(r"\s*\n\s*", "\n", re.sub(r"<[^>]+>", "\n", page)).strip().split("\n")
    note = write_note(inputs, STAMP.date()).text.split("\n")
    return {
        "sheets": {name: [row for row in rows if row] for name, rows in sheets.items()},
        "note": [line for line in note if not any(word in line for word in OF_PARAMS)],
        "page": words,
        "alerts": [one.line for one in alerts(inputs)],
    }


def test_the_report_of_a_fixed_set_of_runs_is_the_golden_one(tmp_path: Path) -> None:
    """``IRIS_NEW_GOLDEN=1`` writes it anew; look at the difference before it is committed."""
    found = told(tmp_path)
    if os.environ.get("IRIS_NEW_GOLDEN"):
        GOLDEN.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    for part in ("alerts", "sheets", "note", "page"):
        assert found[part] == golden[part], part


def test_two_exports_of_the_same_runs_are_identical(tmp_path: Path) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        write_parameter_sheet(period(), tmp_path / name)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    assert review_page(period()) == review_page(period())
    today = STAMP.date()
    assert write_note(period(), today) == write_note(period(), today)
    assert RUN in json.dumps(told(tmp_path)["sheets"])


@pytest.mark.parametrize("part", ["alerts.py", "scheduled.py"])
def test_the_reports_rules_read_no_clock(part: str) -> None:
    text = (PROJECT / "components" / "reporting" / part).read_text(encoding="utf-8")
    assert "now(" not in text
