"""Row heights: a spreadsheet wraps text in a fixed row without growing it, so neighbours would overlap."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

from openpyxl.cell import Cell
from openpyxl.worksheet.worksheet import Worksheet

_WIDTH_POINTS = 11.0  # a column width counts characters of the default font, 11 points (ECMA-376 18.3.1.13)
_NARROWING = 0.9  # what a substitute font may be wider than the one that is missing
_INDENT_CHARACTERS = 2.0
_LINE_PER_POINT = 1.45
_PADDING_POINTS = 5.0


def fit_rows(sheet: Worksheet, last_row: int, widths: Sequence[float]) -> None:
    """Make every row up to ``last_row`` as high as its longest wrapped cell; none becomes lower."""
    for number, row in enumerate(sheet.iter_rows(min_row=1, max_row=last_row, max_col=len(widths)), start=1):
        cells = [cell for cell in row if isinstance(cell, Cell) and cell.alignment.wrap_text]
        needed = max((_height(cell, widths[cell.column - 1]) for cell in cells), default=0.0)
        dimension = sheet.row_dimensions[number]
        if needed > (dimension.height or 0.0):
            dimension.height = round(needed, 2)


def line_count(text: str, capacity: float) -> int:
    """Lines that ``text`` takes where ``capacity`` Latin characters fit in one; only long words break."""
    return sum(_paragraph_lines(paragraph, capacity) for paragraph in text.split("\n"))


def text_width(text: str) -> int:
    """Width in Latin characters: Hangul, kana and ideographs count double."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WFA" else 1 for letter in text)


def _paragraph_lines(paragraph: str, capacity: float) -> int:
    lines, used = 1, 0.0
    for word in paragraph.split(" "):
        width = text_width(word)
        gap = 1 if used else 0
        if used + gap + width <= capacity:
            used += gap + width
            continue
        broken = math.ceil(width / capacity)
        lines += broken - (0 if used else 1)
        used = width - (broken - 1) * capacity
    return lines


def _height(cell: Cell, width: float) -> float:
    points = float(cell.font.sz or _WIDTH_POINTS)
    indent = _INDENT_CHARACTERS * float(cell.alignment.indent or 0)
    capacity = max(2.0, (width - indent) * _WIDTH_POINTS / points * _NARROWING)
    lines = line_count(cell.value, capacity) if isinstance(cell.value, str) else 1
    return lines * points * _LINE_PER_POINT + _PADDING_POINTS
