"""The scheduled review as rows: alerts, what changed since the last report, drift, and each KPI's trend.

Printed by the sheet 정기점검 and by the review page.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from components.core.drift import ShiftVerdict
from components.reporting.alerts import PROPERTY_TITLES, Alert, alerts, statistic_text
from components.reporting.changes import Change, changes_since_previous, figures_since_previous
from components.reporting.figures import number_text, unit_word
from components.reporting.inputs import ReportInputs, kst_text
from components.reporting.kpi_table import target_of
from components.reporting.names import VERDICT_TITLES, KpiTitle, kpi_title, model_title
from components.reporting.run_figures import run_figures

SHIFT_TITLES: dict[ShiftVerdict, str] = {
    "same": "변화 없음",
    "drifted": "변화 있음",
    "not measured": "미측정",
}
_SHOWN_RUNS = 30


@dataclass(frozen=True)
class FigureChange:
    """A KPI or verdict in the last report and in this one; "" where it did not exist."""

    model: str
    ko: str
    en: str
    before: str
    after: str


@dataclass(frozen=True)
class DriftRow:
    """A property of a model's data against its champion's; ``reason`` where nothing was compared."""

    model: str
    champion: str
    ko: str
    en: str
    before: str
    after: str
    statistic: str
    verdict: ShiftVerdict
    counts: str
    reason: str


@dataclass(frozen=True)
class Trend:
    """A KPI over the runs of a model that measured it, oldest first."""

    model: str
    title: KpiTitle
    values: tuple[float, ...]
    run_ids: tuple[str, ...]
    target: float | None


@dataclass(frozen=True)
class ScheduledReview:
    """All of it. ``previous`` is the moment of the last report, "" for a first one."""

    previous: str
    alerts: tuple[Alert, ...]
    figures: tuple[FigureChange, ...]
    definitions: tuple[Change, ...]
    drift: tuple[DriftRow, ...]
    trends: tuple[Trend, ...]


def scheduled_review(inputs: ReportInputs) -> ScheduledReview:
    """The review of a reporting period."""
    return ScheduledReview(
        previous=kst_text(inputs.previous.stamp) if inputs.previous else "",
        alerts=alerts(inputs),
        figures=tuple(_figure(change) for change in figures_since_previous(inputs)),
        definitions=changes_since_previous(inputs),
        drift=tuple(_drift_rows(inputs)),
        trends=tuple(_trends(inputs)),
    )


def _figure(change: Change) -> FigureChange:
    model, _, name = change.path.partition(".")
    if name == "verdict":
        before, after = (VERDICT_TITLES.get(str(side), "") for side in (change.before, change.after))
        return FigureChange(model_title(model), "게이트 판정", "verdict of the gate", before, after)
    title = kpi_title(name)
    before, after = (
        "" if side is None else number_text(side, title.unit) for side in (change.before, change.after)
    )
    return FigureChange(model_title(model), f"{title.ko} [{unit_word(title.unit)}]", title.en, before, after)


def _drift_rows(inputs: ReportInputs) -> Iterable[DriftRow]:
    for one in inputs.drift:
        model, champion = model_title(one.model), f"v{one.champion_version}" if one.champion_version else ""
        if one.reason:
            yield DriftRow(model, champion, "", "", "", "", "", "not measured", "", one.reason)
        for shift in one.shifts:
            ko, en = PROPERTY_TITLES[shift.name]
            yield DriftRow(
                model, champion, ko, en, shift.before, shift.after, statistic_text(shift), shift.verdict,
                f"{shift.n_before} / {shift.n_after}", "",
            )  # fmt: skip


def _trends(inputs: ReportInputs) -> Iterable[Trend]:
    figures = run_figures(inputs)
    for model in dict.fromkeys(one.model for one in figures if one.model in inputs.base.models):
        evidence = inputs.model(model).evidence
        for name in inputs.params.kpi.gated.of(model):
            scored = [one for one in figures if one.model == model and name in one.results][-_SHOWN_RUNS:]
            if not scored:
                continue
            title = kpi_title(name)
            target = target_of(inputs.params.kpi, title, evidence.metric(name) if evidence else None)
            yield Trend(
                model_title(model),
                title,
                tuple(one.results[name] for one in scored),
                tuple(one.run.run_id for one in scored),
                target.value if target else None,
            )
