"""비용: what each stage of the latest retraining took; money only where the site gave a price."""

from __future__ import annotations

from typing import Any

from openpyxl.worksheet.worksheet import Worksheet

from components.reporting.cost_table import UNKNOWN_KO, CostRow, cost_rows, cost_sum
from components.reporting.figures import Status
from components.reporting.inputs import ReportInputs
from components.reporting.names import model_title
from components.reporting.workbook import cell_at, finish_sheet, put, write_header, write_row, write_title

HEADERS = (
    "단계",
    "모델",
    "상태",
    "시도",
    "실패·중단",
    "소요 시간 (h)",
    "GPU 시간 (h)",
    "CPU 시간 (h)",
    "대기 시간 (h)",
    "GPU 비용 (KRW)",
    "GPU 비용 (USD)",
    "구분",
)
_WIDTHS = (14, 26, 12, 8, 11, 14, 14, 14, 14, 16, 16, 14)
_HEADER_ROW = 3


def fill(sheet: Worksheet, inputs: ReportInputs) -> None:
    """A row a stage, then the sum."""
    write_title(
        sheet,
        "비용",
        "최근 재학습에 든 자원. 실패·중단된 시도를 포함하며, 단가나 제출 시각이 없으면 미상(0이 아님)",
    )
    write_header(sheet, _HEADER_ROW, HEADERS)
    whole = cost_sum(inputs)
    rows = [*cost_rows(inputs), *([whole] if whole else [])]
    for row, cost in enumerate(rows, start=_HEADER_ROW + 1):
        write_row(sheet, row, _cells(cost))
    last = _HEADER_ROW + len(rows)
    if not rows:
        put(cell_at(sheet, last + 1, 1), "실행 없음")
    finish_sheet(sheet, _HEADER_ROW, last, _WIDTHS)


def _cells(cost: CostRow) -> tuple[Any, ...]:
    figures = (cost.hours, cost.gpu_hours, cost.cpu_hours, cost.queue_hours, cost.krw, cost.usd)
    return (
        cost.stage or "합계",
        (model_title(cost.model) if cost.model else "공통") if cost.stage else "",
        "완료" if cost.finished else "미완료 포함" if not cost.stage else "미완료",
        cost.attempts,
        cost.lost,
        *(UNKNOWN_KO if figure is None else figure for figure in figures),
        Status.MEASURED.value,
    )
