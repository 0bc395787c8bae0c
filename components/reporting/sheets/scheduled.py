"""정기점검: alerts, what changed since the last report, drift of the data, each KPI's trend, listeners.

The charts of the trends stand in 실행이력, beside the runs they are drawn from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from openpyxl.worksheet.worksheet import Worksheet

from components.core.metrics import Metric
from components.reporting.alerts import KIND_TITLES
from components.reporting.figures import number_text, unit_word
from components.reporting.inputs import ReportInputs
from components.reporting.korean import phrase_korean
from components.reporting.listening_results import HEARD_BESIDE, abx_figure, abx_statistic, listening_results
from components.reporting.names import model_title
from components.reporting.scheduled import SHIFT_TITLES, ScheduledReview, Trend, scheduled_review
from components.reporting.workbook import finish_sheet, write_header, write_row, write_title

_HEADER_ROW = 3
_HEADERS = ("구분", "모델", "항목", "이전 · 챔피언", "이번 · 현재", "통계 · 목표", "결과", "n (이전 / 현재)")
_WIDTHS = (18, 26, 40, 26, 26, 26, 26, 18)


def fill(sheet: Worksheet, inputs: ReportInputs) -> None:
    """One table; a group without rows says so."""
    review = scheduled_review(inputs)
    note = "직전 보고: " + (review.previous or "없음(첫 보고)") + ". 추세 그림은 ‘실행이력’ 시트에 있다."
    write_title(sheet, "정기점검", note)
    write_header(sheet, _HEADER_ROW, _HEADERS)
    rows = [*_alerts(review), *_changes(review), *_drift(review), *_trends(review), *_heard(inputs)]
    for row, values in enumerate(rows, start=_HEADER_ROW + 1):
        write_row(sheet, row, values, numbers="left")
    finish_sheet(sheet, _HEADER_ROW, _HEADER_ROW + len(rows), _WIDTHS)


def _alerts(review: ScheduledReview) -> list[Sequence[Any]]:
    rows = [
        ("경보", model_title(one.model), one.ko, "", "", "", KIND_TITLES[one.kind], "")
        for one in review.alerts
    ]
    return [*rows] or [("경보", "", "경보 없음", "", "", "", "", "")]


def _changes(review: ScheduledReview) -> list[Sequence[Any]]:
    if not review.previous:
        return [("지난 보고와의 차이", "", "첫 보고: 비교할 이전 보고 없음", "", "", "", "", "")]
    rows = [
        ("지난 보고와의 차이", one.model, one.ko, one.before or "없음", one.after or "없음", "", "", "")
        for one in review.figures
    ]
    count = len(review.definitions)
    told = f"파라미터·데이터 변경 {count}건(‘변경이력’ 시트)" if count else "파라미터·데이터 변경 없음"
    if not rows:
        rows = [("지난 보고와의 차이", "", "수치와 판정의 변화 없음", "", "", "", "", "")]
    return [*rows, ("지난 보고와의 차이", "", told, "", "", "", "", "")]


def _drift(review: ScheduledReview) -> list[Sequence[Any]]:
    rows = [
        (
            "데이터 변화", one.model, one.ko or phrase_korean(one.reason), one.before, one.after,
            one.statistic, SHIFT_TITLES[one.verdict], one.counts,
        )
        for one in review.drift
    ]  # fmt: skip
    return [*rows] or [("데이터 변화", "", "비교하지 않음(drift 단계 미실행)", "", "", "", "미측정", "")]


def _trends(review: ScheduledReview) -> list[Sequence[Any]]:
    rows = [
        ("추세", one.model, f"{one.title.ko} [{unit_word(one.title.unit)}]", *_ends(one))
        for one in review.trends
    ]
    return [*rows] or [("추세", "", "측정한 실행 없음", "", "", "", "미측정", "")]


def _heard(inputs: ReportInputs) -> list[Sequence[Any]]:
    rows: list[Sequence[Any]] = []
    for model in inputs.base.models:
        found = listening_results(inputs, model)
        if found is None:
            continue
        head, asked = ("청취 평가", model_title(model)), f"평가자 {found.raters}명(제외 {found.left_out}명)"
        if found.mos:
            count = f"{found.mos.n}문장, {asked}"
            rows.append((*head, "자연스러움 MOS [점]", "", *_opinion(found.mos), "자체측정", count))
        rows += [
            (*head, f"구분(ABX) {one.first} / {one.second}", "", abx_figure(one),
             f"{abx_statistic(one)}, 0.5는 추측", "자체측정", f"{one.n}건, {asked}")
            for one in found.abx
        ]  # fmt: skip
    return rows or [("청취 평가", "", "청취 평가 없음", "", "", "", "미측정", "")]


def _opinion(mos: Metric) -> tuple[str, str]:
    """The figure with its interval, and what was heard beside it."""
    ends = zip(HEARD_BESIDE, (mos.ceiling, mos.floor), strict=True)
    anchors = " · ".join(f"{name} {end:.2f}" for name, end in ends if end is not None)
    return f"{mos.value:.2f} [{mos.low:.2f}, {mos.high:.2f}]", anchors


def _ends(trend: Trend) -> tuple[str, str, str, str, str]:
    unit = trend.title.unit
    target = "" if trend.target is None else f"목표 {number_text(trend.target, unit)}"
    before = number_text(trend.values[-2], unit) if len(trend.values) > 1 else "없음"
    return before, number_text(trend.values[-1], unit), target, f"실행 {len(trend.values)}회", ""
