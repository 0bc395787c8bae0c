"""From scores to metric records: the figure, its interval, and the circumstances it was taken in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components.core.metrics import Evaluator, KpiName, Metric, NotMeasured
from components.core.statistics import bootstrap_mean, bootstrap_quantile
from components.evaluation.latency import CLOCK, SentenceLatency
from components.evaluation.pronunciation import Score, language_means, mean_accuracy
from components.evaluation.speaker_similarity import Gallery, SimilarityScores

_GPU_METER = Evaluator(id="torch.cuda peak", version="1 GB = 1e9 bytes", weights_sha256="", kind="reference")
_MEDIAN, _TAIL = 0.5, 0.95


@dataclass(frozen=True)
class Circumstances:
    """What every record of one evaluation shares."""

    device: str
    dtype: str
    data_md5: str
    git_sha: str
    params_sha: str
    run_id: str
    seed: int

    def record(
        self,
        name: KpiName,
        unit: str,
        estimate: tuple[float, float, float],
        per_sentence: Mapping[str, float],
        per_language: Mapping[str, float],
        evaluator: Evaluator,
        ceiling: float | None = None,
        floor: float | None = None,
    ) -> Metric:
        """A measured metric; ``estimate`` is (value, low, high)."""
        value, low, high = estimate
        return Metric(
            name=name,
            value=value,
            unit=unit,
            n=len(per_sentence),
            low=low,
            high=high,
            evidence="measured",
            evaluator=evaluator,
            device=self.device,
            dtype=self.dtype,
            batch=1,
            data_md5=self.data_md5,
            git_sha=self.git_sha,
            params_sha=self.params_sha,
            run_id=self.run_id,
            ceiling=ceiling,
            floor=floor,
            per_language=dict(per_language),
            per_sentence=dict(per_sentence),
        )


def mean_record(
    name: KpiName,
    unit: str,
    values: Mapping[str, float],
    languages: Mapping[str, str],
    judge: Evaluator,
    reason: str,
    now: Circumstances,
    ceiling: float | None = None,
) -> Metric | NotMeasured:
    """The mean with its interval; without values the reason why there is none."""
    if not values:
        return NotMeasured(name=name, reason=reason)
    estimate = bootstrap_mean(list(values.values()), now.seed)
    return now.record(name, unit, estimate, values, language_means(values, languages), judge, ceiling)


def similarity_record(
    scores: SimilarityScores,
    gallery: Gallery,
    languages: Mapping[str, str],
    verifier: Evaluator,
    unit: str,
    now: Circumstances,
) -> Metric:
    """Mean cosine over all sentences, the faulty ones at the worst score."""
    return now.record(
        "speaker_similarity",
        unit,
        bootstrap_mean(list(scores.per_sentence.values()), now.seed),
        scores.per_sentence,
        language_means(scores.per_sentence, languages),
        verifier,
        ceiling=float(np.mean(gallery.ceiling)) if gallery.ceiling else None,
        floor=float(np.mean(gallery.floor)) if gallery.floor else None,
    )


def pronunciation_record(
    scores: Mapping[str, Score],
    recorded: Mapping[str, Score],
    recogniser: Evaluator,
    unit: str,
    now: Circumstances,
) -> Metric:
    """Mean accuracy over all sentences; the ceiling is the same mean over recorded speech.

    Args:
        scores: per sentence.
        recorded: per held-out recording of the voices that the candidate speaks; none: no ceiling.
    """
    accuracy = {name: score.accuracy for name, score in scores.items()}
    return now.record(
        "pronunciation_accuracy",
        unit,
        bootstrap_mean(list(accuracy.values()), now.seed),
        accuracy,
        language_means(accuracy, {name: score.language for name, score in scores.items()}),
        recogniser,
        ceiling=mean_accuracy(recorded),
    )


def latency_records(latencies: Mapping[str, SentenceLatency], now: Circumstances) -> list[Metric]:
    """p50 and p95 to the last sample, p95 to the first one, and the median real-time factor."""
    total = {name: one.total_ms for name, one in latencies.items()}
    first = {name: one.first_ms for name, one in latencies.items()}
    factor = {name: one.real_time_factor for name, one in latencies.items()}
    names: Sequence[tuple[KpiName, str, dict[str, float], float]] = (
        ("latency_p50_ms", "ms", total, _MEDIAN),
        ("latency_p95_ms", "ms", total, _TAIL),
        ("latency_ttfa_ms", "ms", first, _TAIL),
        ("rtf", "1", factor, _MEDIAN),
    )
    languages = {name: one.language for name, one in latencies.items()}
    return [
        now.record(
            kpi,
            unit,
            bootstrap_quantile(list(values.values()), quantile, now.seed),
            values,
            _language_quantiles(values, languages, quantile),
            CLOCK,
        )
        for kpi, unit, values, quantile in names
    ]


def gpu_memory_records(
    allocated_gb: float, reserved_gb: float, sentences: Sequence[str], now: Circumstances
) -> list[Metric]:
    """Peak GPU memory while the sentences were spoken at batch 1: one figure for all of them."""
    peaks: Sequence[tuple[KpiName, float]] = (
        ("gpu_memory_allocated_gb", allocated_gb),
        ("gpu_memory_reserved_gb", reserved_gb),
    )
    return [
        now.record(name, "GB", (value, value, value), dict.fromkeys(sentences, value), {}, _GPU_METER)
        for name, value in peaks
    ]


def _language_quantiles(
    values: Mapping[str, float], languages: Mapping[str, str], quantile: float
) -> dict[str, float]:
    return {
        language: float(np.quantile([values[n] for n in values if languages[n] == language], quantile))
        for language in dict.fromkeys(languages.values())
    }
