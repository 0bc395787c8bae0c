"""How a verdict is put into words: every reason names the KPI, the value, its interval and the target."""

from __future__ import annotations

from collections.abc import Iterable

from components.core.metrics import Metric, Reason, Verdict
from components.promotion.requirements import Requirement

_SEVERITY: dict[Verdict, int] = {"PASS": 0, "INCONCLUSIVE": 1, "FAIL": 2}
#: Sums of decimal fractions miss by an ulp; a figure this close to its bar is on it.
ROUNDING = 1e-9


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """FAIL before INCONCLUSIVE before PASS; INCONCLUSIVE for none at all."""
    return max(verdicts, key=_SEVERITY.__getitem__, default="INCONCLUSIVE")


def graded(distance: float) -> Verdict:
    """PASS from zero on, FAIL below it and for what is not a number."""
    return "PASS" if distance >= -ROUNDING else "FAIL"


def without_figures(kpi: str, verdict: Verdict, text: str) -> Reason:
    """A reason that rests on no figure: something is missing."""
    return Reason(
        kpi=kpi,
        verdict=verdict,
        text=f"{kpi}: {text}",
        value=None,
        low=None,
        high=None,
        target=None,
        margin=None,
    )


def about(
    metric: Metric, required: Requirement | None, verdict: Verdict, text: str, needed: int | None = None
) -> Reason:
    """A reason about a metric as a whole."""
    bar = f"target {required.bar}{_unit(metric)}" if required else "no target"
    return Reason(
        kpi=metric.name,
        verdict=verdict,
        text=f"{metric.name} {figure(metric)}, {bar}: {text}",
        value=metric.value,
        low=metric.low,
        high=metric.high,
        target=required.target if required else None,
        margin=required.headroom(metric.value) if required else None,
        sentences_needed=needed,
    )


def figure(metric: Metric) -> str:
    """``0.87 [0.86, 0.88], n = 120``."""
    return (
        f"{metric.value:.4g}{_unit(metric)} [{metric.low:.4g}, {metric.high:.4g}], "
        f"n = {metric.n}, {metric.evidence}"
    )


def _unit(metric: Metric) -> str:
    return "" if metric.unit == "1" else f" {metric.unit}"
