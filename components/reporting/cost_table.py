"""What the stages took, as the reports print it: a row a stage and one sum; what nobody knows is 미상."""

from __future__ import annotations

from dataclasses import dataclass

from components.core.spending import Spent, hours, money, total
from components.reporting.inputs import ReportInputs

UNKNOWN_KO, UNKNOWN_EN = "미상", "unknown"


@dataclass(frozen=True)
class CostRow:
    """One row; a figure that is None is unknown.

    Attributes:
        stage: "" for the sum.
        model: "" for a stage over all models, and for the sum.
        finished: False where the attempts led to no success so far.
        attempts: how many.
        lost: failed or killed ones among them.
        hours: wall time.
        gpu_hours: GPUs held times wall time.
        cpu_hours: CPU time used.
        queue_hours: from submission to start.
        krw: GPU hours times the site's price.
        usd: the same in dollars.
    """

    stage: str
    model: str
    finished: bool
    attempts: int
    lost: int
    hours: float
    gpu_hours: float | None
    cpu_hours: float | None
    queue_hours: float | None
    krw: float | None
    usd: float | None


def cost_rows(inputs: ReportInputs) -> tuple[CostRow, ...]:
    """A row for each stage of the latest retraining, in the order of the stage graph."""
    return tuple(_row(inputs, spent.stage, spent.model or "", (spent,)) for spent in inputs.spending)


def cost_sum(inputs: ReportInputs, model: str | None = None) -> CostRow | None:
    """The sum of all rows, or of one model's; None where nothing ran."""
    parts = tuple(spent for spent in inputs.spending if model is None or spent.model == model)
    return _row(inputs, "", model or "", parts) if parts else None


def hours_text(value: float | None) -> str:
    """``0.0123`` hours; small ones keep what they say."""
    return UNKNOWN_KO if value is None else f"{value:.2f}" if value >= 1 or value == 0 else f"{value:.4f}"


def money_text(value: float | None, digits: int) -> str:
    """``12,345``; unknown is never 0."""
    return UNKNOWN_KO if value is None else f"{value:,.{digits}f}"


def _row(inputs: ReportInputs, stage: str, model: str, parts: tuple[Spent, ...]) -> CostRow:
    cost = inputs.params.platform.cost
    gpu_hours = hours(total(spent.gpu_seconds for spent in parts))
    return CostRow(
        stage=stage,
        model=model,
        finished=all(spent.finished for spent in parts),
        attempts=sum(spent.attempts for spent in parts),
        lost=sum(spent.lost for spent in parts),
        hours=sum(spent.hours for spent in parts),
        gpu_hours=gpu_hours,
        cpu_hours=hours(total(spent.cpu_seconds for spent in parts)),
        queue_hours=hours(total(spent.queue_seconds for spent in parts)),
        krw=money(gpu_hours, cost.gpu_hour_krw),
        usd=money(gpu_hours, cost.gpu_hour_usd),
    )
