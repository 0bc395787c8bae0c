"""Cells that stay what they are, sheets that print, and a file that is the same bytes every time.

openpyxl turns a text that begins with ``=`` into a formula, raises on control characters, writes NaN as an
empty cell, cuts text at 32,767 characters and stamps the clock into the file (3.1.5, checked).
"""

from __future__ import annotations

import datetime
import io
import math
import re
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.page import PageMargins
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from components.core.storage import atomic_file
from components.reporting.figures import Expected, Result, Status, Target, result_value
from components.reporting.layout import fit_rows

UNMEASURED_TEXT = Status.UNMEASURED.value
_CELL_LIMIT = 32_767
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_ACTIVE_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_MODIFIED = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(<)")
_ZIP_EPOCH = datetime.datetime(1980, 1, 1, tzinfo=datetime.UTC)

FONT = "Malgun Gothic"
_HEADER_FILL = PatternFill("solid", fgColor="1F3864")
_LINE = Side(style="thin", color="D0D7E2")
BORDER = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
FILLS = {
    "달성": PatternFill("solid", fgColor="D9F2E0"),
    "미달": PatternFill("solid", fgColor="F9D9D6"),
    "판정불가": PatternFill("solid", fgColor="FFF2CC"),
    UNMEASURED_TEXT: PatternFill("solid", fgColor="EDEFF2"),
    "band": PatternFill("solid", fgColor="E8EDF6"),
}


def safe_text(text: str) -> str:
    """NFC, control characters made visible (␀ ␛ …), a text too long for a cell cut, saying so."""
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROL.sub(lambda m: chr(0x2400 + ord(m[0])) if ord(m[0]) < 0x20 else "\ufffd", text)
    if len(text) <= _CELL_LIMIT:
        return text
    note = f" …[{len(text):,}자 중 앞부분만 표시: 셀 한도 {_CELL_LIMIT:,}자]"
    return text[: _CELL_LIMIT - len(note)] + note


def put(cell: Cell, value: Any) -> None:
    """Write any value: numbers as numbers, None and NaN as 미측정, everything else as inert text."""
    if isinstance(value, bool):
        value = "예" if value else "아니오"
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        value = UNMEASURED_TEXT
        cell.fill = FILLS[UNMEASURED_TEXT]
    if isinstance(value, (int, float)):
        cell.value = value
        cell.number_format = number_format(value)
        return
    text = safe_text(str(value))
    cell.value = text
    cell.data_type = "s"  # also for a leading "=": a name is never a formula
    if text.startswith(_ACTIVE_STARTS):
        cell.quotePrefix = True


def put_result(cell: Cell, result: Result) -> None:
    """The only way into a measured (실적) column."""
    put(cell, result_value(result))


def put_target(cell: Cell, target: Target | None) -> None:
    """A target column; empty where the KPI is only reported."""
    put(cell, "" if target is None else target.value)


def put_expected(cell: Cell, expected: Expected | None) -> None:
    """An expected (예상) column; empty where nobody expects anything."""
    put(cell, "" if expected is None else expected.value)


def number_format(value: float) -> str:
    """A format that keeps what the number says: ``1e-09`` is not shown as ``0.00``."""
    if isinstance(value, int) or float(value).is_integer():
        return "#,##0"
    if abs(value) < 1e-3:
        return "0.0E+00"
    return "0.0000" if abs(value) < 10 else "#,##0.00"


def write_header(sheet: Worksheet, row: int, titles: Sequence[str]) -> None:
    """A header row: white on navy, wrapped."""
    for column, title in enumerate(titles, start=1):
        cell = cell_at(sheet, row, column)
        put(cell, title)
        cell.font = Font(name=FONT, bold=True, color="FFFFFF", size=10)
        cell.fill = _HEADER_FILL
        cell.border = BORDER
        cell.alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")


def style_row(sheet: Worksheet, row: int, columns: int, *, numbers: str = "right") -> None:
    """Body cells: border, wrapped text, numbers on the side ``numbers``, all a little off the line."""
    for column in range(1, columns + 1):
        cell = cell_at(sheet, row, column)
        cell.border = BORDER
        cell.font = Font(name=FONT, size=9, bold=bool(cell.font and cell.font.b))
        number = isinstance(cell.value, (int, float))
        side = numbers if number else "left"
        cell.alignment = Alignment(wrap_text=not number, vertical="center", horizontal=side, indent=1)


def write_title(sheet: Worksheet, text: str, note: str) -> None:
    """Rows 1 and 2: what the sheet is, and how to read it."""
    put(cell_at(sheet, 1, 1), text)
    cell_at(sheet, 1, 1).font = Font(name=FONT, size=15, bold=True, color="1F3864")
    put(cell_at(sheet, 2, 1), note)
    cell_at(sheet, 2, 1).font = Font(name=FONT, size=9, italic=True, color="5B6472")
    sheet.row_dimensions[1].height = 26


def finish_sheet(sheet: Worksheet, header_row: int, last_row: int, widths: Sequence[float]) -> None:
    """Widths and heights, frozen header, filter, A4 landscape one page wide, header on every page."""
    last_column = get_column_letter(len(widths))
    for column, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    fit_rows(sheet, last_row, widths)
    if header_row:
        sheet.freeze_panes = f"A{header_row + 1}"
        sheet.auto_filter.ref = f"A{header_row}:{last_column}{max(last_row, header_row + 1)}"
        sheet.print_title_rows = f"{header_row}:{header_row}"
    sheet.print_area = f"A1:{last_column}{max(last_row, header_row + 1)}"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 9  # A4 (ECMA-376 18.3.1.63)
    sheet.page_margins = PageMargins(left=0.4, right=0.4, top=0.5, bottom=0.6, header=0.3, footer=0.3)
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.sheet_view.showGridLines = False
    footer = sheet.HeaderFooter.oddFooter
    if footer is not None:
        footer.center.text = "&A · &P / &N"


def save(workbook: Workbook, path: Path, time: datetime.datetime, title: str) -> None:
    """Write the workbook atomically, with ``time`` (UTC) wherever the format wants a clock."""
    workbook.properties.creator = "iris-retraining"
    workbook.properties.lastModifiedBy = "iris-retraining"
    workbook.properties.title = safe_text(title)
    buffer = io.BytesIO()
    workbook.save(buffer)
    with atomic_file(path) as temporary:
        temporary.write_bytes(_with_fixed_time(buffer.getvalue(), time))


def _with_fixed_time(content: bytes, time: datetime.datetime) -> bytes:
    """The same package with one time in every zip entry and in docProps/core.xml."""
    stamp = max(time, _ZIP_EPOCH)
    zip_time = (stamp.year, stamp.month, stamp.day, stamp.hour, stamp.minute, stamp.second)
    text = stamp.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename == "docProps/core.xml":
                data = _MODIFIED.sub(rb"\g<1>" + text + rb"\g<3>", data)
            fixed = zipfile.ZipInfo(entry.filename, date_time=zip_time)
            fixed.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(fixed, data)
    return target.getvalue()


def cell_at(sheet: Worksheet, row: int, column: int) -> Cell:
    """A writable cell (1-based)."""
    cell = sheet.cell(row=row, column=column)
    if not isinstance(cell, Cell):  # a merged cell cannot be written
        raise TypeError(f"{sheet.title}!{row},{column} lies inside a merge")
    return cell


def write_row(sheet: Worksheet, row: int, values: Sequence[Any], *, numbers: str = "right") -> None:
    """A plain body row."""
    for column, value in enumerate(values, start=1):
        put(cell_at(sheet, row, column), value)
    style_row(sheet, row, len(values), numbers=numbers)
