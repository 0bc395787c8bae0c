"""What listeners said, in all three reports: mean opinion and ABX with n, interval and "measured"."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import openpyxl
from fakes.report_inputs import RUN, STAMP, evidence, metric, report_inputs, run_summary

from components.core.listening import AbxFigure
from components.reporting.inputs import ReportInputs
from components.reporting.iris_note import write_note
from components.reporting.listening_results import MOS, RESULTS_TAG, listening_results, results_tag
from components.reporting.parameter_sheet import write_parameter_sheet
from components.reporting.review_page import review_page

PAIR = AbxFigure("fastpitch:1", "기준선 <b>", 20, 12, 0.3605, 0.8088, 0.2517)
OTHERS = AbxFigure("rvc:1", "rvc:2", 20, 20, 0.8316, 1.0, 1e-6)


def asked() -> ReportInputs:
    opinion = metric(MOS, 3.75, "점", n=12, low=3.5, high=4.0, ceiling=4.8, floor=1.9)
    (model,) = report_inputs().models
    heard = replace(model, evidence=evidence(*evidence().metrics, opinion))
    tags = {"model": "fastpitch", RESULTS_TAG: results_tag("t7", 3, 0, (PAIR, OTHERS), "fastpitch:1")}
    return report_inputs(models=(heard,), runs=(run_summary(tags=tags),))


def rows(inputs: ReportInputs, path: Path) -> list[tuple[str, ...]]:
    write_parameter_sheet(inputs, path)
    sheet = openpyxl.load_workbook(path)["정기점검"]
    found = [tuple(str(cell or "") for cell in row) for row in sheet.iter_rows(values_only=True)]
    return [row for row in found if row[0] == "청취 평가"]


def test_sheet_page_and_note_say_it_with_n_interval_and_status(tmp_path: Path) -> None:
    mos, abx = rows(asked(), tmp_path / "a.xlsx")
    assert mos[2:] == (
        "자연스러움 MOS [점]", "", "3.75 [3.50, 4.00]", "기준 녹음 4.80 · 잡음 앵커 1.90", "자체측정",
        "12문장, 평가자 3명(제외 0명)",
    )  # fmt: skip
    assert abx[2:7] == (
        "구분(ABX) fastpitch:1 / 기준선 <b>", "", "0.60 [0.36, 0.81]", "p 0.252, 0.5는 추측", "자체측정",
    )  # fmt: skip
    assert abx[7].startswith("20건")
    page = review_page(asked())
    table = page[page.index('<table class="listening">') :].partition("</table>")[0]
    for said in ("3.75", "3.50–4.00", "0.36–0.81", "기준선 &lt;b&gt;", "p 0.252", "자체측정"):
        assert said in table, said
    assert "rvc:2" not in page
    note = write_note(asked(), STAMP.date()).text
    (opinion,) = (line for line in note.split("\n") if "자연스러움 MOS" in line)
    assert "3.75 점 (자체측정, 95 % 구간 3.5–4, n=12" in opinion
    assert "기준 녹음 4.8 점, 잡음 앵커 1.9 점" in opinion
    (pair,) = (line for line in note.split("\n") if "ABX" in line)
    assert f"0.60 (자체측정, 95 % 구간 0.36–0.81, n=20, 평가자 3명, p 0.252, 0.5는 추측); run {RUN}" in pair


def test_where_nobody_was_asked_it_is_said(tmp_path: Path) -> None:
    assert [row[2:7] for row in rows(report_inputs(), tmp_path / "a.xlsx")] == [
        ("청취 평가 없음", "", "", "", "미측정")
    ]
    assert "청취 평가 없음(미측정)" in review_page(report_inputs())


def test_a_tag_of_somebody_else_is_no_result() -> None:
    for value in ("{}", "no json", json.dumps({"test_id": "t", "raters": 1, "left_out": 0, "abx": [{}]})):
        tags = {"model": "fastpitch", RESULTS_TAG: value}
        assert listening_results(report_inputs(runs=(run_summary(tags=tags),)), "fastpitch") is None
