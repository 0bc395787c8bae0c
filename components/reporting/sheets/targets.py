"""정량목표: targets, expectations and results side by side, each in its own column."""

from __future__ import annotations

from openpyxl.worksheet.worksheet import Worksheet

from components.reporting.figures import Unmeasured, with_unit
from components.reporting.inputs import ReportInputs, reality_line
from components.reporting.kpi_table import KpiRow, all_rows
from components.reporting.names import model_title
from components.reporting.workbook import (
    FILLS,
    cell_at,
    finish_sheet,
    put,
    put_expected,
    put_result,
    put_target,
    style_row,
    write_header,
    write_title,
)

HEADERS = (
    "평가항목",
    "모델",
    "단위",
    "방향",
    "가중치 (%)",
    "목표",
    "예상",
    "예상 근거",
    "측정값(실적)",
    "상태",
    "95% 하한",
    "95% 상한",
    "n",
    "상한 기준 (실녹음)",
    "하한 기준 (타화자)",
    "판정",
    "측정방법",
    "측정조건 / 미측정 사유",
    "증빙(run id)",
)
_WIDTHS = (15, 17, 9, 10, 9, 9, 9, 19, 11, 11, 10, 10, 7, 10, 10, 13, 26, 31, 24)
RESULT_COLUMN = HEADERS.index("측정값(실적)") + 1
EXPECTED_COLUMN = HEADERS.index("예상") + 1
_HEADER_ROW = 4


def fill(sheet: Worksheet, inputs: ReportInputs) -> None:
    """The project's rows, then each model's."""
    write_title(
        sheet, "정량목표", "예상 값(모의·기대)은 '예상' 열에만, 실행이 남긴 값은 '측정값' 열에만 기재한다."
    )
    put(cell_at(sheet, 3, 1), reality_line(inputs.params)[0])
    write_header(sheet, _HEADER_ROW, HEADERS)
    rows = all_rows(inputs)
    for row, kpi in enumerate(rows, start=_HEADER_ROW + 1):
        _write(sheet, row, kpi, inputs)
    finish_sheet(sheet, _HEADER_ROW, _HEADER_ROW + len(rows), _WIDTHS)
    sheet.freeze_panes = cell_at(sheet, _HEADER_ROW + 1, 3)


def _write(sheet: Worksheet, row: int, kpi: KpiRow, inputs: ReportInputs) -> None:
    metric, unmeasured = kpi.metric, isinstance(kpi.result, Unmeasured)
    weight = inputs.params.report.kpi_weights_percent.get(kpi.title.name) if kpi.model is None else None
    texts = {
        1: kpi.title.ko,
        2: "과제 전체" if kpi.model is None else model_title(kpi.model),
        3: "무차원" if kpi.title.unit == "1" else kpi.title.unit,
        4: "이상(↑)" if kpi.higher_is_better else "이하(↓)",
        5: "" if weight is None else weight,
        8: _expected_note(kpi),
        10: kpi.result.status.value,
        11: metric.low if metric else "",
        12: metric.high if metric else "",
        13: metric.n if metric else "",
        14: "" if metric is None or metric.ceiling is None else metric.ceiling,
        15: "" if metric is None or metric.floor is None else metric.floor,
        16: kpi.verdict_text,
        17: kpi.title.method_ko,
        18: kpi.result.reason if isinstance(kpi.result, Unmeasured) else kpi.conditions,
        19: metric.run_id if metric else "",
    }
    for column, value in texts.items():
        put(cell_at(sheet, row, column), value)
    put_target(cell_at(sheet, row, 6), kpi.target)
    put_expected(cell_at(sheet, row, EXPECTED_COLUMN), kpi.expected)
    put_result(cell_at(sheet, row, RESULT_COLUMN), kpi.result)
    style_row(sheet, row, len(HEADERS))
    colour = FILLS.get(kpi.judgement)
    if colour is not None and not (unmeasured and kpi.model is None):
        cell_at(sheet, row, 16).fill = colour


def _expected_note(kpi: KpiRow) -> str:
    if kpi.expected is None:
        return ""
    before = kpi.expected.before
    change = "" if before is None else f"{with_unit(before, kpi.expected.unit)} → "
    return f"{change}{with_unit(kpi.expected.value, kpi.expected.unit)} 예상; {kpi.expected.note}"
