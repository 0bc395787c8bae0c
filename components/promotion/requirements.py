"""What params.yaml asks of one KPI, in one shape for all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from components.core.metrics import HIGHER_IS_BETTER, Metric
from components.core.params.kpi import EvaluationParams, EvaluatorParams, KpiParams
from components.core.statistics import Floats

Statistic = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Requirement:
    """The bar for one KPI.

    Attributes:
        name: the KPI.
        target: what must be reached, inclusive, in the KPI's unit.
        margin: how much worse than the champion still counts as not worse, in the KPI's unit.
        n_min: sentences (or clips) below which nothing is concluded.
        on_device: the figure belongs to a device, so the scope's own device must have measured it.
        evaluator: who must have judged; None where params.yaml names nobody (a clock, SyncNet).
        needs_ceiling: the figure means nothing without the same measure on real recordings.
        needs_floor: nor without the one between different speakers.
        statistic: maps [R, N] per-sentence values to [R] figures, as the KPI sums its sentences up.
    """

    name: str
    target: float
    margin: float
    n_min: int
    on_device: bool
    evaluator: EvaluatorParams | None
    needs_ceiling: bool
    needs_floor: bool
    statistic: Statistic

    @property
    def sign(self) -> float:
        """+1 where higher is better, -1 where lower is."""
        return 1.0 if HIGHER_IS_BETTER[self.name] else -1.0

    def headroom(self, value: float) -> float:
        """Distance of ``value`` to the target in the KPI's unit; positive is good."""
        return self.sign * (value - self.target)

    @property
    def bar(self) -> str:
        """``≥ 0.9`` or ``≤ 500``."""
        return f"{'≥' if self.sign > 0 else '≤'} {self.target:.4g}"


def requirement(metric: Metric, kpi: KpiParams, evaluation: EvaluationParams) -> Requirement | None:
    """The bar for ``metric``; None where params.yaml sets none, which the gate treats as undecidable."""
    if metric.name == "pronunciation_accuracy":
        asked = kpi.pronunciation_accuracy
        return _judged(
            metric.name, asked.target, asked.margin, asked.n_min, evaluation.recogniser, floor=False
        )
    if metric.name == "speaker_similarity":
        similar = kpi.speaker_similarity
        judge = evaluation.speaker_verifier
        return _judged(metric.name, similar.target, similar.margin, similar.n_min, judge, floor=True)
    if metric.name == "latency_p95_ms":
        return _timed(kpi)
    if metric.name == "lse_c" and metric.ceiling is not None and metric.ceiling > 0:
        return _lip_sync(metric.ceiling, kpi)
    return None


def statistic_of(name: str) -> Statistic:
    """How a figure sums its sentences up: [R, N] per-sentence values → [R]."""
    return {
        "latency_p50_ms": _median,
        "rtf": _median,
        "latency_p95_ms": _p95,
        "latency_ttfa_ms": _p95,
        "stream_latency_p95_ms": _p95,
        "stream_delay_p95_ms": _p95,
    }.get(name, _mean)


def _judged(
    name: str, target: float, margin: float, n_min: int, evaluator: EvaluatorParams, *, floor: bool
) -> Requirement:
    return Requirement(
        name=name,
        target=target,
        margin=margin,
        n_min=n_min,
        on_device=False,
        evaluator=evaluator,
        needs_ceiling=True,
        needs_floor=floor,
        statistic=_mean,
    )


def _timed(kpi: KpiParams) -> Requirement:
    return Requirement(
        name="latency_p95_ms",
        target=kpi.latency.target_ms,
        margin=kpi.latency.margin_ms,
        n_min=kpi.latency.n_min,
        on_device=True,
        evaluator=None,
        needs_ceiling=False,
        needs_floor=False,
        statistic=_p95,
    )


def _lip_sync(real_clips: float, kpi: KpiParams) -> Requirement:
    """LSE-C has no absolute scale: the bar is a share of what real clips score under the same SyncNet."""
    return Requirement(
        name="lse_c",
        target=kpi.lip_sync.target_share_of_real * real_clips,
        margin=kpi.lip_sync.margin_share * real_clips,
        n_min=kpi.lip_sync.n_min,
        on_device=False,
        evaluator=None,
        needs_ceiling=True,
        needs_floor=False,
        statistic=_mean,
    )


def _mean(values: Floats) -> Floats:
    """[R, N] → [R]."""
    mean: Floats = values.mean(axis=-1)
    return mean


def _median(values: Floats) -> Floats:
    """[R, N] → [R]."""
    median: Floats = np.median(values, axis=-1)
    return median


def _p95(values: Floats) -> Floats:
    """[R, N] → [R]; 0.95 is the p95 of the KPI's name, not a choice."""
    quantile: Floats = np.quantile(values, 0.95, axis=-1)
    return quantile
