"""Candidate beside champion: the KPIs that either measured, and which of the two is ahead."""

from __future__ import annotations

from dataclasses import dataclass

from components.core.metrics import HIGHER_IS_BETTER, Evidence, Metric
from components.reporting.figures import number_text, with_unit
from components.reporting.names import KpiTitle, kpi_titles

_RESULTS = {"measured", "certified"}


@dataclass(frozen=True)
class Duel:
    """One KPI of both; None where that side has no measured figure."""

    title: KpiTitle
    champion: Metric | None
    candidate: Metric | None

    @property
    def difference(self) -> float | None:
        """Candidate minus champion, in the KPI's unit."""
        if self.champion is None or self.candidate is None:
            return None
        return self.candidate.value - self.champion.value

    @property
    def difference_text(self) -> str:
        """``+0.009``; empty where one side is missing."""
        if self.difference is None:
            return ""
        sign = "−" if self.difference < 0 else "+"
        return f"{sign}{number_text(abs(self.difference), self.title.unit)}"

    @property
    def better(self) -> bool | None:
        """Whether the candidate's figure is the better one; None where they are equal or one is missing."""
        if not self.difference:
            return None
        return (self.difference > 0) == HIGHER_IS_BETTER[self.title.name]


def duels(candidate: Evidence | None, champion: Evidence | None) -> tuple[Duel, ...]:
    """Every KPI that one of them measured, in the order of the reports; nothing without a champion."""
    if candidate is None or champion is None:
        return ()
    rows = (
        Duel(title, _measured(champion, title.name), _measured(candidate, title.name))
        for title in kpi_titles()
    )
    return tuple(row for row in rows if row.champion or row.candidate)


def figure_text(metric: Metric | None) -> str:
    """``0.862 (무차원) [0.845–0.879]``; empty where there is none."""
    if metric is None:
        return ""
    low, high = number_text(metric.low, metric.unit), number_text(metric.high, metric.unit)
    return f"{with_unit(metric.value, metric.unit)} [{low}–{high}]"


def _measured(evidence: Evidence, name: str) -> Metric | None:
    metric = evidence.metric(name)
    return metric if metric is not None and metric.evidence in _RESULTS else None
