"""실행이력: one row a run, and one chart a unit of each measured KPI over the runs against its target."""

from __future__ import annotations

from openpyxl.chart import LineChart, Reference
from openpyxl.chart.data_source import NumFmt
from openpyxl.chart.legend import Legend
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from components.reporting.figures import unit_word
from components.reporting.inputs import ReportInputs, kst_text
from components.reporting.layout import fit_rows
from components.reporting.names import KpiTitle, fact_korean, kpi_titles, model_title
from components.reporting.run_figures import RunFigures, run_figures
from components.reporting.workbook import (
    cell_at,
    finish_sheet,
    put,
    style_row,
    write_header,
    write_row,
    write_title,
)

_HEADER_ROW = 3
_FIXED = ("순번", "run_id", "이름", "모델", "상태", "시작", "종료", "판정", "데이터 md5", "git")
_WIDTHS, _KPI_WIDTH = (7, 24, 15, 18, 12, 22, 22, 14, 24, 18), 12
_CHART_COLUMNS = 20
"""So far to the right the charts reach."""
_CHART_ROWS, _CHART_HEIGHT_CM, _CHART_WIDTH_CM = 22, 11, 24


def fill(sheet: Worksheet, inputs: ReportInputs) -> None:
    """Runs oldest first; a KPI that a run did not measure reads 미측정."""
    figures = run_figures(inputs)
    scored = {name for one in figures for name in one.results}
    titles = [title for title in kpi_titles() if not title.beside or title.name in scored]
    headers = (*_FIXED, *(f"{title.ko} [{unit_word(title.unit)}] 자체측정" for title in titles))
    write_title(sheet, "실행이력", "KPI 열은 실적: 실행이 스스로 측정했다고 기록한 값만 기재한다.")
    write_header(sheet, _HEADER_ROW, headers)
    for row, item in enumerate(figures, start=_HEADER_ROW + 1):
        run = item.run
        fixed = (row - _HEADER_ROW, run.run_id, run.name, model_title(item.model), fact_korean(run.status))
        times = (
            kst_text(run.started),
            kst_text(run.ended),
            fact_korean(item.verdict),
            run.tags.get("data_md5", ""),
            run.tags.get("git_sha", ""),
        )
        write_row(sheet, row, (*fixed, *times, *(item.results.get(title.name) for title in titles)))
    last = _HEADER_ROW + len(figures)
    if not figures:
        put(cell_at(sheet, last + 1, 1), "실행 없음")
    below = _charts(sheet, inputs, figures, last + 3)
    widths = (*_WIDTHS, *(_KPI_WIDTH for _ in titles))
    finish_sheet(sheet, _HEADER_ROW, last, widths)
    fit_rows(sheet, below, widths)
    width = get_column_letter(max(_CHART_COLUMNS, len(widths)))
    sheet.print_area = f"A1:{width}{max(below, last + 2)}"


def _charts(sheet: Worksheet, inputs: ReportInputs, figures: tuple[RunFigures, ...], row: int) -> int:
    """Charts below the table, their numbers below them; returns the last row used."""
    units = list(dict.fromkeys(title.unit for title in kpi_titles()))
    plans = [(unit, _series(inputs, figures, unit)) for unit in units]
    plans = [(unit, series) for unit, series in plans if series]
    data_row = row + _CHART_ROWS * ((len(plans) + 1) // 2)
    for index, (unit, series) in enumerate(plans):
        anchor = f"{'B' if index % 2 == 0 else 'I'}{row + _CHART_ROWS * (index // 2)}"
        data_row = _chart(sheet, unit, series, anchor, data_row)
    return data_row


def _series(
    inputs: ReportInputs, figures: tuple[RunFigures, ...], unit: str
) -> dict[str, list[float | None]]:
    """Column title → one value a run (None: an empty cell, so that the line has a gap and no zero)."""
    columns: dict[str, list[float | None]] = {}
    for title in (t for t in kpi_titles() if t.unit == unit and not t.beside):
        measured = {
            model_title(model): [f.results.get(title.name) if f.model == model else None for f in figures]
            for model in dict.fromkeys(f.model for f in figures)
        }
        measured = {model: values for model, values in measured.items() if any(v is not None for v in values)}
        columns |= {f"{title.ko} · {model} (자체측정)": values for model, values in measured.items()}
        target = _target(inputs, title)
        if measured and target is not None:
            columns[f"{title.ko} (목표)"] = [target] * len(figures)
    return columns


def _target(inputs: ReportInputs, title: KpiTitle) -> float | None:
    return inputs.params.kpi.target(title.name)


def _numbers(sheet: Worksheet, unit: str, series: dict[str, list[float | None]], data_row: int) -> int:
    """The figures behind a chart, one row a run; returns how many runs."""
    write_header(sheet, data_row, (f"실행 [{unit_word(unit)}]", *series))
    rows = list(zip(*series.values(), strict=True))
    for number, values in enumerate(rows, start=1):
        for column, value in enumerate((number, *values), start=1):
            if value is not None:
                put(cell_at(sheet, data_row + number, column), value)
        style_row(sheet, data_row + number, 1 + len(values))
    return len(rows)


def _chart(
    sheet: Worksheet, unit: str, series: dict[str, list[float | None]], anchor: str, data_row: int
) -> int:
    length = _numbers(sheet, unit, series, data_row)
    chart = LineChart()
    chart.title = f"실행별 KPI [{unit_word(unit)}]"
    chart.height, chart.width = _CHART_HEIGHT_CM, _CHART_WIDTH_CM
    chart.legend = Legend()
    chart.legend.position = "b"
    chart.add_data(
        Reference(sheet, min_col=2, max_col=1 + len(series), min_row=data_row, max_row=data_row + length),
        titles_from_data=True,
    )
    chart.set_categories(Reference(sheet, min_col=1, min_row=data_row + 1, max_row=data_row + length))
    chart.x_axis.title, chart.x_axis.delete, chart.y_axis.delete = "실행 순번", False, False
    chart.y_axis.numFmt = NumFmt(formatCode="0.00" if unit == "1" else "#,##0", sourceLinked=False)
    for line, name in zip(chart.series, series, strict=True):
        target = name.endswith("(목표)")
        line.graphicalProperties.line.dashStyle = "dash" if target else "solid"
        line.marker.symbol = "dash" if target else "circle"  # visible also where there is one run
        line.smooth = False
    sheet.add_chart(chart, anchor)
    return data_row + length + 2
