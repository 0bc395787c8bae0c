"""May a figure be judged at all? Everything that is missing, weak or foreign is an objection: fail closed."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator

import numpy as np

from components.core.metrics import Evidence, Metric
from components.core.params.kpi import EvaluationParams, KpiParams
from components.promotion.requirements import Requirement

_COUNTS = frozenset({"measured", "certified"})
#: A sum of scores written and read again; only its order may differ.
_SAME = 1e-9


def evidence_objections(
    model: str, evidence: Evidence, kpi: KpiParams, now: datetime.datetime
) -> Iterator[str]:
    """What speaks against the evidence as a whole.

    Args:
        model: the candidate's model.
        evidence: what evaluation found.
        kpi: how old evidence may be.
        now: the time of judgement, with its offset.
    """
    if evidence.model != model:
        yield f"it is about {evidence.model}, not about {model}"
    names = [metric.name for metric in evidence.metrics]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name} stands {names.count(name)} times in it"
    yield from _age_objections(evidence.created, kpi, now)


def _age_objections(created: str, kpi: KpiParams, now: datetime.datetime) -> Iterator[str]:
    try:
        made = datetime.datetime.fromisoformat(created)
        age = now - made
    except (ValueError, TypeError):
        yield f"its date {created!r} is no ISO 8601 time with an offset"
        return
    days = age.total_seconds() / datetime.timedelta(days=1).total_seconds()
    if days > kpi.max_evidence_age_days:
        yield f"it is {days:.0f} days old, at most {kpi.max_evidence_age_days} count; evaluate again"
    if days < 0:
        yield f"it is dated {created}, after the time of judgement {now.isoformat(timespec='seconds')}"


def metric_objections(
    metric: Metric, evidence: Evidence, required: Requirement, kpi: KpiParams, evaluation: EvaluationParams
) -> list[str]:
    """What speaks against judging one figure; empty when it may be judged."""
    return [
        *_origin_objections(metric, evidence),
        *_sample_objections(metric, required),
        *_arithmetic_objections(metric, required),
        *_evaluator_objections(metric, required, evaluation),
        *_scale_objections(metric, required),
        *_protocol_objections(metric, required, kpi, evaluation),
    ]


def _origin_objections(metric: Metric, evidence: Evidence) -> Iterator[str]:
    if metric.evidence not in _COUNTS:
        yield f"{metric.evidence}, only measured or certified figures count"
    if metric.evidence == "measured" and metric.run_id != evidence.run_id:
        yield f"measured in run {metric.run_id}, the candidate is run {evidence.run_id}"
    if metric.data_md5 != evidence.data_md5:
        yield f"measured on data {metric.data_md5 or '(none)'}, the evidence is on {evidence.data_md5}"


def _sample_objections(metric: Metric, required: Requirement) -> Iterator[str]:
    # n may count repeats; only sentences that stand in the table are independent observations.
    counted = min(metric.n, len(metric.per_sentence))
    if counted < required.n_min:
        yield f"{counted} sentences scored, at least {required.n_min} count"
    broken = sorted(key for key, value in metric.per_sentence.items() if not math.isfinite(value))
    if broken:
        yield f"no finite score for {', '.join(broken[:3])}{' …' if len(broken) > 3 else ''}"


def _arithmetic_objections(metric: Metric, required: Requirement) -> Iterator[str]:
    """A figure is what its sentences give, or somebody has written into the record."""
    scores = np.asarray([metric.per_sentence[key] for key in sorted(metric.per_sentence)], dtype=np.float64)
    if not scores.size or not np.isfinite(scores).all():
        return  # said already
    given = float(required.statistic(scores[None, :])[0])
    if not math.isclose(metric.value, given, rel_tol=_SAME, abs_tol=_SAME):
        yield f"its sentences give {given:.4g}, the record says {metric.value:.4g}"
    if required.name != "pronunciation_accuracy":  # the only KPI with a minimum for each language
        return
    for language, value in metric.per_language.items():
        own = [score for key, score in metric.per_sentence.items() if key.startswith(f"{language}_")]
        mean = math.fsum(own) / len(own) if own else value
        if not math.isclose(value, mean, rel_tol=_SAME, abs_tol=_SAME):
            yield f"its {language} sentences give {mean:.4g}, the record says {value:.4g}"


def _evaluator_objections(
    metric: Metric, required: Requirement, evaluation: EvaluationParams
) -> Iterator[str]:
    judge = metric.evaluator
    if judge.kind == "proxy" and evaluation.scope != "laptop":
        yield f"judged by the proxy {judge.id}, which counts in scope laptop only"
    asked = required.evaluator
    if asked and (judge.id, judge.kind) != (asked.id, asked.kind):
        yield f"judged by {judge.id} ({judge.kind}), params.yaml names {asked.id} ({asked.kind})"
    if asked and asked.version and judge.version != asked.version:
        yield f"judged by {judge.id} {judge.version}, params.yaml names version {asked.version}"
    named = asked.weights_sha256 if asked else ""
    if named and judge.weights_sha256 not in {"", named}:
        yield f"the weights of {judge.id} are {judge.weights_sha256[:12]}, params.yaml names {named[:12]}"
    if not required.on_device and not judge.weights_sha256:
        yield f"the weights of {judge.id} are not recorded"


def _scale_objections(metric: Metric, required: Requirement) -> Iterator[str]:
    if required.needs_ceiling:
        if metric.ceiling is None or not math.isfinite(metric.ceiling):
            yield "no ceiling: the same measure on real recordings is missing"
        elif required.headroom(metric.ceiling) < 0:
            yield f"ceiling {metric.ceiling:.4g} under the target: real recordings would not reach it either"
    if required.needs_floor:
        if metric.floor is None or not math.isfinite(metric.floor):
            yield "no impostor floor: the measure between different speakers is missing"
        elif required.headroom(metric.floor) >= 0:
            yield f"impostor floor {metric.floor:.4g} reaches the target: another speaker would pass"
    elif metric.floor is not None and not required.headroom(metric.floor) < 0:
        yield f"control {metric.floor:.4g} reaches the target: what is wrong on purpose would pass"


def _protocol_objections(
    metric: Metric, required: Requirement, kpi: KpiParams, evaluation: EvaluationParams
) -> Iterator[str]:
    if required.on_device:
        if not re.search(evaluation.required_device, metric.device):
            yield (
                f"measured on {metric.device}, scope {evaluation.scope} counts {evaluation.required_device!r}"
            )
        if metric.batch != 1:
            yield f"measured at batch {metric.batch}, latency counts at batch 1"
        if evaluation.latency_repeats < kpi.latency.repeats_min:
            yield f"{evaluation.latency_repeats} repeats a sentence, at least {kpi.latency.repeats_min} count"
    if required.name == "speaker_similarity":
        behind, asked = evaluation.reference_utterances, kpi.speaker_similarity.references_min
        if behind < asked:
            yield f"{behind} recordings behind a centroid, at least {asked} count"
