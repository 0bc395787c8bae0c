"""From scored clips to the records of lip sync: what the gate reads, and what stands beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from components.core.metrics import Evaluator, KpiName, Metric, NotMeasured
from components.core.params import Params
from components.core.statistics import Floats, bootstrap, bootstrap_mean, bootstrap_quantile
from components.evaluation import structural_similarity
from components.evaluation.latency import CLOCK
from components.evaluation.lip_scores import Judgement, ScoredClip
from components.evaluation.pronunciation import language_means
from components.evaluation.records import Circumstances, latency_records

_NEAR_FRAMES = 1
_MEDIAN = 0.5
_PIXELS = Evaluator(id="mean absolute difference", version="RGB, 0 to 1", weights_sha256="", kind="reference")
JUDGED: tuple[KpiName, ...] = (
    "lse_c", "lse_d", "lse_c_share_of_real", "lse_c_shuffled", "lip_offset_within_1",
)  # fmt: skip
_TIMED: tuple[KpiName, ...] = (
    "latency_p50_ms", "latency_p95_ms", "rtf", "latency_per_second_ms", "frames_per_second",
)  # fmt: skip


def lip_records(
    scored: Sequence[ScoredClip], judge: Evaluator | None, reason: str, params: Params, now: Circumstances
) -> tuple[list[Metric], list[NotMeasured]]:
    """Every figure of a model that moves lips, and those that there are not, with the reason.

    Args:
        judge: who judged; None: nobody, and ``reason`` says why.
    """
    told = _Told({one.clip.clip_id: one.clip.language for one in scored}, now)
    metrics = [
        told.mean(
            "mouth_ssim", {n: one.likeness.ssim for n, one in _named(scored)}, structural_similarity.JUDGE
        ),
        told.mean("mouth_l1", {n: one.likeness.l1 for n, one in _named(scored)}, _PIXELS),
    ]
    missing: list[NotMeasured] = []
    if judge is None:
        missing += [NotMeasured(name=name, reason=reason) for name in JUDGED]
    else:
        metrics += _judged(told, {n: one.judgement for n, one in _named(scored) if one.judgement}, judge)
    repeats, needed = params.evaluation.latency_repeats, params.kpi.latency.repeats_min
    if repeats < needed:
        why = f"evaluation.latency_repeats is {repeats}, kpi.latency.repeats_min asks for {needed}"
        missing += [NotMeasured(name=name, reason=why) for name in _TIMED]
    else:
        metrics += _timed(told, scored, params.data.video.fps)
    return metrics, missing


class _Told:
    """Turns scores into records."""

    def __init__(self, languages: Mapping[str, str], now: Circumstances) -> None:
        self.languages, self.now = languages, now

    def mean(
        self,
        name: KpiName,
        values: Mapping[str, float],
        judge: Evaluator,
        ceiling: float | None = None,
        floor: float | None = None,
    ) -> Metric:
        """The mean with its interval."""
        estimate = bootstrap_mean(list(values.values()), self.now.seed)
        groups = language_means(values, self.languages)
        return self.now.record(name, "1", estimate, values, groups, judge, ceiling, floor)

    def median(self, name: KpiName, unit: str, values: Mapping[str, float]) -> Metric:
        """The median of what a clock said, with its interval."""
        estimate = bootstrap_quantile(list(values.values()), _MEDIAN, self.now.seed)
        return self.now.record(name, unit, estimate, values, language_means(values, self.languages), CLOCK)


def _judged(told: _Told, found: Mapping[str, Judgement], judge: Evaluator) -> list[Metric]:
    made = {name: one.made.lse_c for name, one in found.items()}
    real = {name: one.real.lse_c for name, one in found.items()}
    wrong = {name: one.wrong.lse_c for name, one in found.items()}
    near = {name: float(abs(one.made.offset) <= _NEAR_FRAMES) for name, one in found.items()}
    really_near = [float(abs(one.real.offset) <= _NEAR_FRAMES) for one in found.values()]
    ceiling, floor = _mean(real.values()), _mean(wrong.values())
    metrics = [
        told.mean("lse_c", made, judge, ceiling, floor),
        told.mean(
            "lse_d",
            {name: one.made.lse_d for name, one in found.items()},
            judge,
            _mean(one.real.lse_d for one in found.values()),
            _mean(one.wrong.lse_d for one in found.values()),
        ),
        told.mean("lse_c_shuffled", wrong, judge, ceiling),
        told.mean("lip_offset_within_1", near, judge, _mean(really_near)),
    ]
    if ceiling > 0:
        metrics.append(_share(told, made, real, judge))
    return metrics


def _share(told: _Told, made: Mapping[str, float], real: Mapping[str, float], judge: Evaluator) -> Metric:
    """Ratio of the means; the same clips are drawn for both."""
    ours, theirs = np.array(list(made.values())), np.array([real[name] for name in made])

    def ratio(places: Floats) -> Floats:
        picks = places.astype(np.intp)
        share: Floats = ours[picks].mean(axis=-1) / np.maximum(theirs[picks].mean(axis=-1), 1e-9)
        return share

    estimate = bootstrap(np.arange(len(ours), dtype=np.float64), ratio, told.now.seed)
    per_clip = {name: value / float(theirs.mean()) for name, value in made.items()}
    groups = language_means(per_clip, told.languages)
    return told.now.record("lse_c_share_of_real", "1", estimate, per_clip, groups, judge)


def _timed(told: _Told, scored: Sequence[ScoredClip], fps: int) -> list[Metric]:
    late = {name: one.latency for name, one in _named(scored)}
    # There is no first chunk: what has no figure of its own gets none.
    records = [one for one in latency_records(late, told.now) if one.name != "latency_ttfa_ms"]
    per_second = {name: one.total_ms / one.audio_s for name, one in late.items()}
    rate = {name: fps / one.real_time_factor for name, one in late.items()}
    return [
        *records,
        told.median("latency_per_second_ms", "ms", per_second),
        told.median("frames_per_second", "fps", rate),
    ]


def _named(scored: Sequence[ScoredClip]) -> list[tuple[str, ScoredClip]]:
    return [(one.clip.clip_id, one) for one in scored]


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
