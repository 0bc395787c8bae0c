"""파라미터 정의서: 12 definitions, one row a leaf."""

from __future__ import annotations

from openpyxl.worksheet.worksheet import Worksheet

from components.reporting.definitions import leaves, shown
from components.reporting.inputs import ReportInputs
from components.reporting.names import KIND_TITLES, model_title
from components.reporting.workbook import FILLS, cell_at, finish_sheet, write_header, write_row, write_title

HEADERS = (
    "정의서",
    "ID",
    "모델",
    "구분",
    "파라미터명(한/영)",
    "params.yaml 경로",
    "값",
    "단위",
    "허용범위",
    "이전값",
    "적용값(실행 프로파일)",
    "근거",
    "상태",
    "run_id",
)
_WIDTHS = (9, 10, 18, 8, 30, 44, 19, 12, 18, 15, 24, 28, 10, 24)
_HEADER_ROW = 3


def fill(sheet: Worksheet, inputs: ReportInputs) -> None:
    """Every leaf; a band of colour tells one definition from the next."""
    rows = leaves(inputs)
    count = len({leaf.definition_id for leaf in rows})
    write_title(
        sheet, "파라미터 정의서", f"정의서 {count}건, 파라미터 {len(rows)}개. 값은 params.yaml에서 생성됨"
    )
    write_header(sheet, _HEADER_ROW, HEADERS)
    for row, leaf in enumerate(rows, start=_HEADER_ROW + 1):
        values = (
            leaf.definition_id,
            leaf.row_id,
            model_title(leaf.model),
            KIND_TITLES[leaf.kind],
            f"{leaf.name.ko}\n{leaf.name.en}",
            leaf.path,
            shown(leaf.value),
            leaf.name.unit,
            leaf.allowed,
            "" if leaf.previous is None else shown(leaf.previous),
            "" if leaf.effective == leaf.value else f"{shown(leaf.effective)} ({inputs.profile})",
            leaf.name.basis,
            leaf.state,
            leaf.run_id,
        )
        write_row(sheet, row, values)
        if int(leaf.definition_id[1:]) % 2:
            for column in (1, 2, 3, 4):
                cell_at(sheet, row, column).fill = FILLS["band"]
    finish_sheet(sheet, _HEADER_ROW, _HEADER_ROW + len(rows), _WIDTHS)
    sheet.freeze_panes = cell_at(sheet, _HEADER_ROW + 1, 6)
