"""The gate: a pure function of evidence, targets and champion. What it cannot see, it does not pass."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from components.core.metrics import Decision, Evidence, Metric, Reason
from components.core.params.kpi import EvaluationParams, KpiParams
from components.core.storage import sha256_json
from components.promotion.absolute import against_target, per_language
from components.promotion.admissibility import evidence_objections, metric_objections
from components.promotion.comparisons import Comparison, judged
from components.promotion.reasons import about, without_figures, worst
from components.promotion.relative import against_champion, void_altogether
from components.promotion.requirements import requirement


@dataclass(frozen=True)
class Champion:
    """Who holds the alias, and what was found about it (None: its evidence cannot be read)."""

    version: str
    evidence: Evidence | None


def decide(
    model: str,
    evidence: Evidence,
    kpi: KpiParams,
    evaluation: EvaluationParams,
    champion: Evidence | None,
    champion_version: str | None,
    now: datetime.datetime,
    seed: int,
) -> Decision:
    """Judge a candidate.

    Args:
        model: the candidate's model.
        evidence: what evaluation found about it.
        kpi: the targets.
        evaluation: scope, required device, evaluators and protocol.
        champion: the evidence of the champion it would replace.
        champion_version: that champion's version; None on a fresh registry.
        now: the time of judgement, with its offset; evidence may be too old.
        seed: fixes the bootstrap.

    Returns:
        FAIL if any reason is, else INCONCLUSIVE if any is, else PASS; with all reasons, met ones too.
    """
    rival = None if champion_version is None else Champion(champion_version, champion)
    gated = kpi.gated.of(model)
    found = [one for name in gated for one in _kpi(name, evidence, kpi, evaluation, rival, seed)]
    comparisons = [one for one in found if isinstance(one, Comparison)]
    family = len(gated) * (1 if rival is None else 2)
    told = iter(judged(comparisons, family, kpi.confidence, kpi.power))
    reasons = [
        *_whole(model, evidence, kpi, now, rival),
        *_together(comparisons, family, kpi),
        *(next(told) if isinstance(one, Comparison) else one for one in found),
    ]
    return Decision(
        model=model,
        scope=evaluation.scope,
        verdict=worst(reason.verdict for reason in reasons),
        reasons=tuple(reasons),
        run_id=evidence.run_id,
        evidence_sha256=evidence_sha256(evidence),
        champion_version=champion_version,
    )


def evidence_sha256(evidence: Evidence) -> str:
    """sha256 of the evidence's canonical JSON; ties a decision and a ledger row to what was judged."""
    return sha256_json(evidence.model_dump(mode="json"))


def _whole(
    model: str, evidence: Evidence, kpi: KpiParams, now: datetime.datetime, champion: Champion | None
) -> Iterator[Reason]:
    objections = list(evidence_objections(model, evidence, kpi, now))
    for objection in objections:
        yield without_figures("evidence", "INCONCLUSIVE", objection)
    if not objections:
        yield without_figures("evidence", "PASS", f"made {evidence.created}, whole and in date")
    if not kpi.gated.of(model):
        yield without_figures("targets", "INCONCLUSIVE", f"params.yaml gates no KPI of {model}")
    if champion is None:
        yield without_figures("champion", "PASS", "none yet in this scope, the absolute targets decide")
        return
    void = void_altogether(evidence, champion.evidence) if champion.evidence else "its evidence is unreadable"
    if void:
        text = f"comparison with v{champion.version} is void, {void}"
        yield without_figures("champion", "INCONCLUSIVE", text)


def _together(comparisons: Sequence[Comparison], family: int, kpi: KpiParams) -> Iterator[Reason]:
    """Which comparisons share the 95 %; a language's minimum is held against its value, so it is none."""
    if comparisons:
        text = f"{len(comparisons)} of {family} made, {100 * kpi.confidence:g} % for all together (Holm)"
        yield without_figures("comparisons", "PASS", text)


def _kpi(
    name: str,
    evidence: Evidence,
    kpi: KpiParams,
    evaluation: EvaluationParams,
    champion: Champion | None,
    seed: int,
) -> Iterator[Reason | Comparison]:
    metric = evidence.metric(name)
    if metric is None:
        yield without_figures(name, "INCONCLUSIVE", f"not measured ({evidence.reason_missing(name)})")
        return
    required = requirement(metric, kpi, evaluation)
    if required is None:
        yield about(metric, None, "INCONCLUSIVE", "params.yaml sets no target, or its ceiling is missing")
        return
    objections = metric_objections(metric, evidence, required, kpi, evaluation)
    if objections:
        yield about(metric, required, "INCONCLUSIVE", "; ".join(objections))
        return
    yield against_target(metric, required, seed)
    if name == "pronunciation_accuracy":
        yield from per_language(metric, kpi)
    if champion and champion.evidence and not void_altogether(evidence, champion.evidence):
        theirs: Metric | None = champion.evidence.metric(name)
        yield against_champion(metric, theirs, champion.version, required, seed)


def headroom(model: str, evidence: Evidence, kpi: KpiParams, evaluation: EvaluationParams) -> float:
    """Sum over the gated KPIs of the distance to the target, as a share of the target; higher is better.

    A total order, so that candidates which meet in a race end with the same champion whatever their order.
    A gated KPI without a figure or a target counts as minus infinity.
    """
    total = 0.0
    for name in kpi.gated.of(model):
        metric = evidence.metric(name)
        required = requirement(metric, kpi, evaluation) if metric else None
        if metric is None or required is None:
            return float("-inf")
        total += required.headroom(metric.value) / required.target
    return total
