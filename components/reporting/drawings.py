"""Drawings of the review page as inline SVG: training curves, and a KPI against its target."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from components.core.ports import MetricPoint
from components.reporting.figures import number_text
from components.reporting.kpi_table import KpiRow

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 360, 170, 46, 24, 8
_BAR_WIDTH, _BAR_HEIGHT = 250, 34


def curve_svg(points: Sequence[MetricPoint]) -> Markup:
    """A line over steps with its first, last, lowest and highest values on the axes."""
    steps, values = [p.step for p in points], [p.value for p in points]
    low, high = min(values), max(values)
    span, length = (high - low) or 1.0, (max(steps) - min(steps)) or 1
    inner_w, inner_h = _WIDTH - _LEFT - 8, _HEIGHT - _BOTTOM - _TOP

    def place(step: int, value: float) -> str:
        x = _LEFT + inner_w * (step - min(steps)) / length
        return f"{x:.1f},{_TOP + inner_h * (1 - (value - low) / span):.1f}"

    line = " ".join(place(step, value) for step, value in zip(steps, values, strict=True))
    base = _TOP + inner_h
    return Markup(  # noqa: S704 - numbers only
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" class="curve">'
        f'<line x1="{_LEFT}" y1="{base}" x2="{_WIDTH - 8}" y2="{base}" class="axis"/>'
        f'<line x1="{_LEFT}" y1="{_TOP}" x2="{_LEFT}" y2="{base}" class="axis"/>'
        f'<text x="{_LEFT - 6}" y="{_TOP + 8}" text-anchor="end">{high:.3g}</text>'
        f'<text x="{_LEFT - 6}" y="{base}" text-anchor="end">{low:.3g}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 6}">{min(steps)}</text>'
        f'<text x="{_WIDTH - 8}" y="{_HEIGHT - 6}" text-anchor="end">{max(steps)} step</text>'
        f'<polyline points="{line}" class="line"/></svg>'
    )


def trend_svg(values: Sequence[float], unit: str, target: float | None) -> Markup:
    """A KPI over a model's runs, oldest first, against its target (a dashed line)."""
    marks = [*values, *([] if target is None else [target])]
    low, high = min(marks), max(marks)
    pad = 0.1 * ((high - low) or abs(high) or 1.0)
    low, span = low - pad, (high - low) + 2 * pad
    inner_w, inner_h, base = _WIDTH - _LEFT - 8, _HEIGHT - _BOTTOM - _TOP, _HEIGHT - _BOTTOM

    def y(value: float) -> float:
        return round(_TOP + inner_h * (1 - (value - low) / span), 1)

    steps = max(1, len(values) - 1)
    points = [(round(_LEFT + inner_w * index / steps, 1), y(value)) for index, value in enumerate(values)]
    parts = [f'<line x1="{_LEFT}" y1="{base}" x2="{_WIDTH - 8}" y2="{base}" class="axis"/>']
    for end in sorted({min(values), max(values)}):
        text = number_text(end, unit)
        parts.append(f'<text x="{_LEFT - 6}" y="{y(end) + 3}" text-anchor="end">{text}</text>')
    if target is not None:
        parts.append(
            f'<line x1="{_LEFT}" y1="{y(target)}" x2="{_WIDTH - 8}" y2="{y(target)}" class="target"/>'
            f'<text x="{_WIDTH - 8}" y="{y(target) - 4}" text-anchor="end">목표 target '
            f"{number_text(target, unit)}</text>"
        )
    line = " ".join(f"{x},{height}" for x, height in points)
    parts.append(f'<polyline points="{line}" class="line"/>')
    parts += [f'<circle cx="{x}" cy="{height}" r="3" class="value"/>' for x, height in points]
    body = "".join(parts)
    return Markup(f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" class="curve">{body}</svg>')  # noqa: S704 - numbers only


def kpi_svg(row: KpiRow) -> Markup:
    """The measured value with interval on a scale, target a line, ceiling ▽, floor △."""
    metric = row.metric
    if metric is None:
        return Markup("")
    marks = [metric.low, metric.high, metric.value]
    marks += [
        v for v in (metric.ceiling, metric.floor, row.target.value if row.target else None) if v is not None
    ]
    low, high = min(marks), max(marks)
    pad = 0.12 * ((high - low) or abs(high) or 1.0)
    low, span = low - pad, (high - low) + 2 * pad

    def x(value: float) -> float:
        return round(_BAR_WIDTH * (value - low) / span, 1)

    parts = [f'<line x1="0" y1="17" x2="{_BAR_WIDTH}" y2="17" class="axis"/>']
    parts.append(f'<line x1="{x(metric.low)}" y1="17" x2="{x(metric.high)}" y2="17" class="interval"/>')
    parts.append(f'<circle cx="{x(metric.value)}" cy="17" r="5" class="value"/>')
    if row.target:
        at, shown = x(row.target.value), number_text(row.target.value, row.target.unit)
        parts.append(
            f'<line x1="{at}" y1="4" x2="{at}" y2="30" class="target"><title>목표 {shown}</title></line>'
        )
    for value, shape, label in ((metric.ceiling, "▽", "상한 ceiling"), (metric.floor, "△", "하한 floor")):
        if value is not None:
            text = f"{label} {number_text(value, metric.unit)}"
            parts.append(
                f'<text x="{x(value)}" y="12" text-anchor="middle">{shape}<title>{text}</title></text>'
            )
    body = "".join(parts)
    return Markup(f'<svg viewBox="0 0 {_BAR_WIDTH} {_BAR_HEIGHT}" class="bullet" role="img">{body}</svg>')  # noqa: S704 - numbers only
