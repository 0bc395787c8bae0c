"""What a retraining of a model took, written into its MLflow run: metrics ``cost/…`` and tags ``cost.…``.

What nobody knows (a price, a wait) has the tag ``unknown`` and no metric: a metric of 0 would be a lie.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence

from components.core.params.platform import CostParams
from components.core.ports import MetricPoint, Tracker
from components.core.spending import Spent, hours, money, total
from components.stages.contract import StageContext

UNKNOWN = "unknown"
PREFIX = "cost"
_MS_PER_SECOND = 1000


def log_bills(tracker: Tracker, context: StageContext, spending: Sequence[Spent]) -> None:
    """Write into the run of each model what its finished stages took, each and all together.

    Stages over all models (ingest, version, validate) are on nobody's bill; the reports show them.

    Raises:
        TrackingUnavailableError: the tracking server does not answer.
    """
    for name, record in context.upstream.items():
        stage, _, model = name.partition(".")
        run_id = record.summary.get("run_id")
        mine = [spent for spent in spending if spent.model == model and spent.finished]
        if stage == "train" and run_id and mine:
            tracker.annotate(str(run_id), *bill(mine, context.params.platform.cost))


def bill(spending: Sequence[Spent], cost: CostParams) -> tuple[list[MetricPoint], dict[str, str]]:
    """The points and tags of one run.

    Returns:
        Points at the time of the last stage, so that repeating them changes nothing; tags.
    """
    last = max(datetime.datetime.fromisoformat(spent.started) for spent in spending)
    step = int(last.timestamp())
    figures = _sums(spending, cost)
    tags = {f"{PREFIX}.{name}": UNKNOWN if value is None else f"{value:g}" for name, value in figures.items()}
    for spent in spending:
        figures |= {f"{spent.stage}/{name}": value for name, value in _sums([spent], cost).items()}
    points = [
        MetricPoint(f"{PREFIX}/{name}", value, step, step * _MS_PER_SECOND)
        for name, value in figures.items()
        if value is not None
    ]
    return points, tags | {f"{PREFIX}.evidence": "measured", **_rates(cost)}


def _sums(spending: Iterable[Spent], cost: CostParams) -> dict[str, float | None]:
    parts = list(spending)
    gpu_hours = hours(total(spent.gpu_seconds for spent in parts))
    return {
        "wall_hours": sum(spent.hours for spent in parts),
        "gpu_hours": gpu_hours,
        "cpu_hours": hours(total(spent.cpu_seconds for spent in parts)),
        "queue_hours": hours(total(spent.queue_seconds for spent in parts)),
        "attempts": float(sum(spent.attempts for spent in parts)),
        "lost_attempts": float(sum(spent.lost for spent in parts)),
        "krw": money(gpu_hours, cost.gpu_hour_krw),
        "usd": money(gpu_hours, cost.gpu_hour_usd),
    }


def _rates(cost: CostParams) -> Mapping[str, str]:
    rates = {"krw": cost.gpu_hour_krw, "usd": cost.gpu_hour_usd}
    return {
        f"{PREFIX}.gpu_hour_{unit}": UNKNOWN if rate is None else f"{rate:g}" for unit, rate in rates.items()
    }
