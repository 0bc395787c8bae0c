"""The absolute rule: the figure and its bound against the target; each language against its minimum."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial

from components.core.metrics import Metric, Reason, Verdict
from components.core.params.kpi import KpiParams
from components.core.statistics import Floats, resampled
from components.promotion.comparisons import Comparison, Judgement
from components.promotion.reasons import about, graded, without_figures
from components.promotion.requirements import Requirement


def against_target(metric: Metric, required: Requirement, seed: int) -> Comparison:
    """The figure and its target (inclusive), over resamples of its sentences.

    Args:
        metric: admissible already, so its value is what its sentences give.
        required: target, direction and how sentences are summed up.
        seed: fixes the resamples.
    """
    scores = [metric.per_sentence[sentence] for sentence in sorted(metric.per_sentence)]

    def distance(values: Floats) -> Floats:
        return required.sign * (required.statistic(values) - required.target)

    point, draws = resampled(scores, distance, seed)
    return Comparison(point, draws, len(scores), partial(_told, metric, required))


def _told(metric: Metric, required: Requirement, judgement: Judgement) -> Reason:
    bound = f"its {judgement.confidence} bound {required.target + required.sign * judgement.bound:.4g}"
    words = {
        "PASS": f"{bound} meets it",
        "INCONCLUSIVE": f"the value meets it, {bound} does not",
        "FAIL": "the value misses it",
    }[judgement.verdict]
    text = f"{words}, {_distance(required, metric.value)}{judgement.wanting}"
    return about(metric, required, judgement.verdict, text, judgement.needed)


def per_language(metric: Metric, kpi: KpiParams) -> Iterator[Reason]:
    """Pronunciation in each language against its own minimum, and their mean against the target.

    The minimum is held against the value alone: 30 sentences make an interval too wide to hold a bound to.
    """
    for language in kpi.languages:
        yield _one_language(metric, language, kpi)
    values = [metric.per_language.get(language, math.nan) for language in kpi.languages]
    mean = math.fsum(values) / len(values)
    if math.isfinite(mean):
        target = kpi.pronunciation_accuracy.target
        yield _figure_alone(metric, "mean of the languages", mean, target)


def _one_language(metric: Metric, language: str, kpi: KpiParams) -> Reason:
    value = metric.per_language.get(language)
    if value is None or not math.isfinite(value):
        return without_figures(metric.name, "INCONCLUSIVE", f"not scored in {language}")
    reason = _figure_alone(metric, language, value, kpi.pronunciation_accuracy.per_language_min)
    scored = _sentences_of(language, metric.per_sentence)
    if scored >= kpi.sentences_per_language:
        return reason
    text = f"{reason.text}; {scored} sentences scored, {kpi.sentences_per_language} asked"
    # A language that misses its minimum on fewer sentences is not the better for it.
    verdict: Verdict = "FAIL" if reason.verdict == "FAIL" else "INCONCLUSIVE"
    return reason.model_copy(update={"verdict": verdict, "text": text})


def _figure_alone(metric: Metric, part: str, value: float, bar: float) -> Reason:
    verdict = graded(value - bar)
    return Reason(
        kpi=metric.name,
        verdict=verdict,
        text=f"{metric.name} ({part}) {value:.4g}, target ≥ {bar:.4g}: "
        f"{'headroom' if verdict == 'PASS' else 'short by'} {abs(value - bar):.4g}",
        value=value,
        low=None,
        high=None,
        target=bar,
        margin=value - bar,
    )


def _sentences_of(language: str, scores: Mapping[str, float]) -> int:
    """Sentence ids begin with their language (``ko_01``), see components/evaluation/sentences.csv."""
    return sum(sentence.startswith(f"{language}_") for sentence in scores)


def _distance(required: Requirement, value: float) -> str:
    headroom = required.headroom(value)
    return f"{'headroom' if headroom >= 0 else 'short by'} {abs(headroom):.4g}"
