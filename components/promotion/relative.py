"""The relative rule: paired bootstrap over the same sentences; the candidate may not be inferior.

See `components.core.statistics.paired_resampled`.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from components.core.metrics import Evidence, Metric, Reason
from components.core.statistics import Floats, paired_resampled
from components.promotion.comparisons import Comparison, Judgement
from components.promotion.reasons import without_figures
from components.promotion.requirements import Requirement

_AGAIN = "re-evaluate the champion first"


def against_champion(
    candidate: Metric, champion: Metric | None, version: str, required: Requirement, seed: int
) -> Comparison | Reason:
    """The paired difference and the margin, over resamples of the sentences; a reason where it is void.

    Args:
        candidate: the new figure; admissible already.
        champion: the champion's figure, None when its evidence lacks it.
        version: the champion's version, for the words.
        required: margin, direction and how sentences are summed up.
        seed: fixes the resamples.
    """
    name = candidate.name
    if champion is None:
        return without_figures(name, "INCONCLUSIVE", f"champion v{version} was not measured; {_AGAIN}")
    void = not_comparable(candidate, champion, required.on_device)
    if void:
        return without_figures(name, "INCONCLUSIVE", f"comparison with v{version} is void, {void}; {_AGAIN}")
    shared = sorted(candidate.per_sentence.keys() & champion.per_sentence.keys())
    if len(shared) < required.n_min:
        found = f"{len(shared)} sentences scored in both, at least {required.n_min} count"
        return without_figures(name, "INCONCLUSIVE", f"comparison with v{version} is void, {found}; {_AGAIN}")
    ours, theirs = _scores(candidate, shared), _scores(champion, shared)
    gain, gains = paired_resampled(
        ours, theirs, lambda scores: required.sign * required.statistic(scores), seed
    )
    told = partial(_told, name, version, required, gain, gains, len(shared))
    return Comparison(gain + required.margin, gains + required.margin, len(shared), told)


def void_altogether(candidate: Evidence, champion: Evidence) -> str:
    """Why two pieces of evidence may not be compared at all; empty when they may."""
    if candidate.model != champion.model:
        return f"the champion's evidence is about {champion.model}; {_AGAIN}"
    if candidate.sentences_sha256 != champion.sentences_sha256:
        return f"the champion spoke another sentence set ({champion.sentences_sha256[:12]}); {_AGAIN}"
    return ""


def not_comparable(candidate: Metric, champion: Metric, on_device: bool) -> str:
    """Why the figures of two may not be compared; empty when they may.

    Args:
        candidate, champion: the same KPI of both.
        on_device: the figure belongs to a device.
    """
    if champion.evaluator != candidate.evaluator:
        theirs = champion.evaluator
        return f"another evaluator judged it ({theirs.id} {theirs.version} {theirs.weights_sha256[:12]})"
    if champion.evidence not in {"measured", "certified"}:
        return f"its figure is {champion.evidence}"
    if on_device and champion.device != candidate.device:
        return f"it was measured on {champion.device}"
    if on_device and champion.batch != candidate.batch:
        return f"it was measured at batch {champion.batch}"
    if not all(np.isfinite(value) for value in champion.per_sentence.values()):
        return "it has sentences without a finite score"
    return ""


def _scores(metric: Metric, sentences: list[str]) -> Floats:
    return np.asarray([metric.per_sentence[sentence] for sentence in sentences], dtype=np.float64)


def _told(
    name: str, version: str, required: Requirement, gain: float, gains: Floats, n: int, judgement: Judgement
) -> Reason:
    low, high = (float(end) for end in np.quantile(gains, [judgement.level, 1 - judgement.level]))
    low, high = min(low, gain), max(high, gain)
    words = {
        "PASS": "not inferior",
        "INCONCLUSIVE": "may be inferior, the bound exceeds the margin",
        "FAIL": "inferior",
    }[judgement.verdict]
    return Reason(
        kpi=name,
        verdict=judgement.verdict,
        text=f"{name} against champion v{version}: gain {gain:+.4g} [{low:+.4g}, {high:+.4g}] at "
        f"{judgement.confidence}, n = {n}, margin {required.margin:.4g}: {words}{judgement.wanting}",
        value=gain,
        low=low,
        high=high,
        target=-required.margin,
        margin=gain + required.margin,
        sentences_needed=judgement.needed,
    )
