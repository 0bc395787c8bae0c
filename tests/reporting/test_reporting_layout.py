"""No cell's text reaches into its neighbour's row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from fakes.report_inputs import evidence, metric, report_inputs
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.cell import Cell
from openpyxl.utils import range_boundaries

from components.reporting.kpi_table import all_rows
from components.reporting.layout import fit_rows, line_count, text_width
from components.reporting.names import kpi_titles
from components.reporting.parameter_sheet import write_parameter_sheet
from components.reporting.workbook import put, style_row


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", 1),
        ("ten chars!", 1),
        ("two words that wrap", 2),
        ("하나둘셋넷다", 2),  # six syllables are twelve characters wide
        ("abcdefghijklmnopqrstu", 3),
        ("a\nb", 2),
        ("ab abcdefghijkl", 3),
    ],
)
def test_lines_at_ten_characters(text: str, lines: int) -> None:
    assert line_count(text, 10) == lines


@given(st.text(alphabet="가나 ab\n", max_size=60), st.integers(4, 30))
def test_lines_hold_the_text_and_wider_needs_no_more(text: str, capacity: int) -> None:
    lines = line_count(text, capacity)
    assert lines * capacity >= sum(text_width(word) for word in text.split())
    assert line_count(text, capacity + 5) <= lines


def test_a_row_grows_with_its_longest_cell_and_never_shrinks() -> None:
    sheet = openpyxl.Workbook().worksheets[0]
    for row, text in enumerate(("짧음", "아주 긴 측정 조건 " * 8), start=1):
        cell = sheet.cell(row=row, column=1)
        assert isinstance(cell, Cell)
        put(cell, text)
        style_row(sheet, row, 1)
    sheet.row_dimensions[1].height = 90
    fit_rows(sheet, 2, (12,))
    assert sheet.row_dimensions[1].height == 90
    assert float(sheet.row_dimensions[2].height or 0) > 90


def test_every_body_row_of_the_sheet_has_the_height_of_its_lines(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("sheet") / "정의서.xlsx"
    write_parameter_sheet(report_inputs(), path)
    for sheet in openpyxl.load_workbook(path).worksheets:
        for row in sheet.iter_rows():
            lines = max((str(cell.value).count("\n") + 1 for cell in row if cell.value), default=0)
            if any(cell.alignment.wrap_text and cell.value for cell in row):
                assert float(sheet.row_dimensions[row[0].row].height or 0) >= lines * 12, sheet.title


def test_a_model_lists_what_gates_it_and_what_was_measured() -> None:
    inputs = report_inputs()
    for row in all_rows(inputs):
        if row.model is not None:
            assert row.gated or row.metric, (row.model, row.title.name)
    assert {row.title.name for row in all_rows(inputs) if row.model == "rvc"} == set(
        inputs.params.kpi.gated.of("rvc")
    )


def test_no_column_is_left_out_of_print_and_headers_come_again(tmp_path: Path) -> None:
    """VALL-E X has fourteen figures beside its KPIs: the runs' table grows by as many columns."""
    found = evidence(metric("speaker_similarity", 0.9, "1"))
    beside = [title for title in kpi_titles() if title.beside]
    more = tuple(metric(title.name, 0.5, title.unit) for title in beside)
    full = found.model_copy(update={"metrics": (*found.metrics, *more)})
    inputs = report_inputs()
    inputs = replace(inputs, models=(replace(inputs.models[0], evidence=full),))
    write_parameter_sheet(inputs, tmp_path / "sheet.xlsx")
    book = openpyxl.load_workbook(tmp_path / "sheet.xlsx")
    for sheet in book:
        assert sheet.page_setup.fitToWidth == 1
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        head = next((row for row in range(1, 6) if sheet.print_title_rows == f"${row}:${row}"), None)
        if head is None:
            assert sheet.title == "표지"
            continue
        assert sheet.freeze_panes
        columns = max(cell.column for cell in sheet[head] if cell.value)
        (area,) = sheet.print_area.split(",")
        last = range_boundaries(area.rpartition("!")[2])[2]
        assert last >= columns, sheet.title
    assert len([cell for cell in book["실행이력"][3] if cell.value]) > 20
