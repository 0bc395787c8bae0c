"""The absolute rule: the figure and its interval against the target."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from components.core.metrics import Metric, Reason, Verdict
from components.core.params.kpi import KpiParams
from components.promotion.reasons import about, graded, without_figures
from components.promotion.requirements import Requirement

_WORDS: dict[Verdict, str] = {
    "PASS": "the whole 95 % interval meets it",
    "INCONCLUSIVE": "the value meets it, its 95 % bound does not",
    "FAIL": "the value misses it",
}


def against_target(metric: Metric, required: Requirement) -> Reason:
    """PASS if the bound on the bad side meets the target (inclusive), FAIL if the value itself misses it."""
    bound = metric.low if required.sign > 0 else metric.high
    verdict = graded(required.headroom(metric.value), required.headroom(bound))
    return about(metric, required, verdict, f"{_WORDS[verdict]}, {_distance(required, metric.value)}")


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
    verdict = graded(value - bar, value - bar)
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
