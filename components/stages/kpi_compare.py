"""Two versions (or runs) side by side: each difference, with its interval where sentences pair."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from components.core.errors import BadInputError, ConfigError
from components.core.metrics import HIGHER_IS_BETTER, Evidence, Metric
from components.core.params import Params
from components.core.ports import ModelRegistry, RunSummary, Tracker
from components.core.statistics import paired_bootstrap
from components.promotion.relative import not_comparable
from components.promotion.requirements import statistic_of
from components.reporting.names import kpi_titles
from components.stages.kpi_standing import SEARCHED_RUNS, VERSION_TAG, version_named

T = TypeVar("T")
#: What belongs to a device; scores of similarity and pronunciation do not.
_ON_DEVICE = ("latency_", "rtf", "gpu_", "stream_")
_RELATIVE_SLACK = 1e-6


@dataclass(frozen=True)
class Side:
    """One of the two: a run and, where it was judged, its version and evidence."""

    name: str
    run: RunSummary | None
    evidence: Evidence | None


@dataclass(frozen=True)
class Difference:
    """``after − before`` of one figure. ``low``/``high``: 95 % interval of the paired difference over ``n``
    sentences, None where no sentences pair; ``note`` says why, or what makes the comparison void.
    """

    name: str
    before: float | None
    after: float | None
    low: float | None
    high: float | None
    n: int
    note: str

    @property
    def value(self) -> float | None:
        """after − before; None where one side has no figure."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def better(self) -> bool | None:
        """Whether the interval lies wholly on the better side (False: on the worse); None: undecided."""
        if self.low is None or self.high is None or self.name not in HIGHER_IS_BETTER:
            return None
        if self.low <= 0 <= self.high:
            return None
        return (self.low > 0) == HIGHER_IS_BETTER[self.name]


@dataclass(frozen=True)
class Comparison:
    """Figures that either side has, and the parameters in which the two runs differ."""

    first: Side
    second: Side
    figures: tuple[Difference, ...]
    params: tuple[tuple[str, str | None, str | None], ...]


def compare(
    params: Params, tracker: Tracker, registry: ModelRegistry, first: str, second: str, model: str | None
) -> Comparison:
    """Both sides and what differs.

    Args:
        params: scope of the aliases, seed of the resamples.
        tracker: runs.
        registry: versions and evidence.
        first, second: ``fastpitch:3``, ``fastpitch:champion``, ``fastpitch:previous``, with ``model`` also
            ``3`` or ``champion``; or a run id or its beginning.
        model: whose versions ``3`` and ``champion`` are.

    Raises:
        ConfigError: a name that means no run and no version, or more than one.
    """
    runs = tracker.runs(None, SEARCHED_RUNS)
    left, right = (_side(params, registry, runs, name, model) for name in (first, second))
    return Comparison(
        left,
        right,
        tuple(_differences(left, right, params.seed)),
        tuple(_differing(left.run.params if left.run else {}, right.run.params if right.run else {})),
    )


def _side(
    params: Params, registry: ModelRegistry, runs: Sequence[RunSummary], name: str, model: str | None
) -> Side:
    found = version_named(params, registry, name, model)
    if found is not None:
        run = next((one for one in runs if one.run_id == found.run_id), None)
        return Side(f"{found.model} v{found.version}", run, registry.evidence_of(found))
    run = _run(runs, name)
    return Side(f"run {run.run_id[:8]}", run, _evidence_of_run(registry, run))


def _run(runs: Sequence[RunSummary], beginning: str) -> RunSummary:
    fitting = [run for run in runs if beginning and run.run_id.startswith(beginning)]
    if len(fitting) != 1:
        raise ConfigError(
            who=f"run {beginning!r}",
            expected="the beginning of exactly one run id, or a version as fastpitch:3",
            found=f"{len(fitting)} runs" if fitting else "no such run",
            action="take the id from `python -m components kpi --runs`",
        )
    return fitting[0]


def _evidence_of_run(registry: ModelRegistry, run: RunSummary) -> Evidence | None:
    model, number = run.tags.get("model"), run.tags.get(VERSION_TAG)
    if not model or not number:
        return None
    try:
        evidence = registry.evidence_of(registry.by_version(model, number))
    except BadInputError:  # the version was deleted since; the run's own metrics are still there
        return None
    return evidence if evidence is not None and evidence.run_id == run.run_id else None


def _differences(left: Side, right: Side, seed: int) -> Iterable[Difference]:
    for title in kpi_titles():
        ours, theirs = (_metric(side, title.name) for side in (left, right))
        before, after = (_value(side, title.name) for side in (left, right))
        if before is None and after is None:
            continue
        if ours is None or theirs is None:
            note = "no sentences of one side" if before is not None and after is not None else ""
            yield Difference(title.name, before, after, None, None, 0, note)
        else:
            yield _paired(left, right, ours, theirs, seed)
    extra = {name for side in (left, right) if side.run for name in side.run.metrics}
    known = {title.name for title in kpi_titles()}
    for name in sorted(one for one in extra if not one.startswith(tuple(known))):
        before, after = (_value(side, name) for side in (left, right))
        if before != after:
            yield Difference(name, before, after, None, None, 0, "")


def _metric(side: Side, name: str) -> Metric | None:
    return side.evidence.metric(name) if side.evidence else None


def _value(side: Side, name: str) -> float | None:
    metric = _metric(side, name)
    if metric is not None:
        return metric.value
    return side.run.metrics.get(name) if side.run else None


def _paired(left: Side, right: Side, before: Metric, after: Metric, seed: int) -> Difference:
    """The interval; none where the sentences differ or the figure is no summary of its sentences."""
    name, statistic = before.name, statistic_of(before.name)
    void = not_comparable(after, before, before.name.startswith(_ON_DEVICE))
    if left.evidence and right.evidence and left.evidence.sentences_sha256 != right.evidence.sentences_sha256:
        void = void or "other sentences were spoken"
    shared = sorted(before.per_sentence.keys() & after.per_sentence.keys())
    if void or len(shared) < 2:
        return Difference(name, before.value, after.value, None, None, 0, void or "no sentences in common")
    if len(shared) < max(before.n, after.n):
        void = f"of {max(before.n, after.n)} sentences, those in common"
    scores = [
        np.asarray([one.per_sentence[key] for key in sorted(one.per_sentence)]) for one in (before, after)
    ]
    for metric, values in zip((before, after), scores, strict=True):
        figure = float(statistic(values[None, :])[0])
        if abs(figure - metric.value) > _RELATIVE_SLACK * max(1.0, abs(metric.value)):
            return Difference(name, before.value, after.value, None, None, 0, "not summed up over sentences")
    _, low, high = paired_bootstrap(
        [after.per_sentence[key] for key in shared],
        [before.per_sentence[key] for key in shared],
        statistic,
        seed,
    )
    return Difference(name, before.value, after.value, low, high, len(shared), void)


def _differing(left: Mapping[str, T], right: Mapping[str, T]) -> list[tuple[str, T | None, T | None]]:
    names = sorted(left.keys() | right.keys())
    return [(n, left.get(n), right.get(n)) for n in names if left.get(n) != right.get(n)]
