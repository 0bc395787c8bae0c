"""The parameter sheet (모델 파라미터 정의서, xlsx)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from components.reporting.inputs import ReportInputs
from components.reporting.sheets import cost, cover, definitions, runs, scheduled, targets
from components.reporting.sheets.listing import fill_changes, fill_data, fill_environment
from components.reporting.workbook import save

SHEETS: tuple[tuple[str, Callable[[Worksheet, ReportInputs], None]], ...] = (
    ("표지", cover.fill),
    ("정량목표", targets.fill),
    ("파라미터 정의서", definitions.fill),
    ("실행이력", runs.fill),
    ("정기점검", scheduled.fill),
    ("비용", cost.fill),
    ("데이터", fill_data),
    ("변경이력", fill_changes),
    ("환경", fill_environment),
)


def file_name(inputs: ReportInputs) -> str:
    """``model_params_v0.1.xlsx``, the name the research log gives it."""
    return f"model_params_v{inputs.params.report.sheet_version}.xlsx"


def write_parameter_sheet(inputs: ReportInputs, path: Path) -> None:
    """Write the workbook; the same inputs give the same bytes.

    Raises:
        ReportRefusedError: an expected figure would enter a measured column.
        StorageError: ``path`` cannot be written.
    """
    workbook = Workbook()
    for sheet in list(workbook.worksheets):
        workbook.remove(sheet)
    for title, fill in SHEETS:
        fill(workbook.create_sheet(title), inputs)
    save(workbook, path, inputs.file_time, f"{inputs.params.report.programme} 모델 파라미터 정의서")
