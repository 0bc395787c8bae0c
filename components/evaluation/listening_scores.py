"""From ratings to figures: who is left out and why, means with intervals, and the ABX test."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.core.listening import AbxFigure
from components.core.params.review import ListeningParams
from components.core.statistics import CONFIDENCE, RESAMPLES, Floats
from components.evaluation.listening_plan import AbxTrial, MosTrial, Plan

REFERENCE, LOW_ANCHOR = "reference", "low_anchor"
_MOS_ANSWERS = frozenset("12345")
#: Resamples in one array: bounds the memory.
_AT_A_TIME = 100


@dataclass(frozen=True)
class Ratings:
    """What one person answered: trial → "1" … "5", or "A" or "B"; a trial without an answer is left out."""

    rater: str
    answers: Mapping[str, str]


@dataclass(frozen=True)
class LeftOut:
    """A rater who does not count, and why."""

    rater: str
    ko: str
    en: str


@dataclass(frozen=True)
class MosFigure:
    """Mean opinion of a system (or of the anchors), 1 to 5; the interval is over raters and sentences."""

    name: str
    ratings: int
    mean: float
    low: float
    high: float
    per_sentence: Mapping[str, float]
    per_language: Mapping[str, float]


@dataclass(frozen=True)
class Findings:
    """What a listening test says. ``doubts`` are things that make one wonder, in Korean and English."""

    test_id: str
    raters: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    mos: tuple[MosFigure, ...]
    abx: tuple[AbxFigure, ...]
    doubts: tuple[tuple[str, str], ...]

    def figure(self, name: str) -> MosFigure | None:
        """The figure of a system, or of `REFERENCE` or `LOW_ANCHOR`."""
        return next((one for one in self.mos if one.name == name), None)


def findings(test: Plan, ratings: Sequence[Ratings], asked: ListeningParams) -> Findings:
    """Judge the raters, then the systems.

    Args:
        test: the key.
        ratings: one a rater.
        asked: what excludes a rater.
    """
    judged = [(one, _objection(test, one, asked)) for one in ratings]
    kept = [one for one, objection in judged if objection is None]
    mos = tuple(_mos(test, kept))
    return Findings(
        test_id=test.test_id,
        raters=tuple(one.rater for one in kept),
        left_out=tuple(objection for _, objection in judged if objection is not None),
        mos=mos,
        abx=tuple(_abx(test, kept)),
        doubts=tuple(_doubts(mos, len(kept), asked)),
    )


def _objection(test: Plan, one: Ratings, asked: ListeningParams) -> LeftOut | None:
    total = len(test.mos) + len(test.abx)
    trials: tuple[MosTrial | AbxTrial, ...] = (*test.mos, *test.abx)
    valid = sum(_valid(trial, one) for trial in trials)
    if valid < asked.answered_min * total:
        return LeftOut(
            one.rater, f"응답 {valid}/{total}, 최소 {asked.answered_min:.0%}", f"{valid} of {total} answered"
        )
    missed = [trial.trial for trial in test.mos if trial.role == "catch" and _fell_for(trial, one, asked)]
    missed += [
        trial.trial
        for trial in test.abx
        if trial.role == "catch" and one.answers.get(trial.trial) != trial.x_is
    ]
    if len(missed) <= asked.catch.failures_max:
        return None
    names = ", ".join(missed)
    return LeftOut(one.rater, f"걸러 내기 문항 실패: {names}", f"failed the catch trials {names}")


def _valid(trial: MosTrial | AbxTrial, one: Ratings) -> bool:
    answer = one.answers.get(trial.trial, "")
    return answer in _MOS_ANSWERS if isinstance(trial, MosTrial) else answer in {"A", "B"}


def _fell_for(trial: MosTrial, one: Ratings, asked: ListeningParams) -> bool:
    """A spoilt clip that was rated well, or not at all."""
    return not _valid(trial, one) or int(one.answers[trial.trial]) > asked.catch.mos_max


def _mos(test: Plan, kept: Sequence[Ratings]) -> Iterable[MosFigure]:
    groups = {name: [one for one in test.mos if one.system == name] for name in test.systems}
    groups |= {role: [one for one in test.mos if one.role == role] for role in (REFERENCE, LOW_ANCHOR)}
    for name, trials in groups.items():
        table = np.full((len(kept), len(trials)), math.nan)
        for row, one in enumerate(kept):
            for column, trial in enumerate(trials):
                if _valid(trial, one):
                    table[row, column] = int(one.answers[trial.trial])
        heard = np.flatnonzero(np.isfinite(table).any(axis=0))
        if heard.size:
            yield _figure(name, table[:, heard], [trials[column] for column in heard], test.seed)


def _figure(name: str, table: Floats, trials: Sequence[MosTrial], seed: int) -> MosFigure:
    """The mean of the sentences' means, so that a sentence with fewer answers weighs the same."""
    means = np.nanmean(table, axis=0)
    low, high = _interval(table, seed)
    mean = float(means.mean())
    languages: dict[str, list[float]] = {}
    for trial, value in zip(trials, means, strict=True):
        languages.setdefault(trial.language, []).append(float(value))
    return MosFigure(
        name=name,
        ratings=int(np.isfinite(table).sum()),
        mean=mean,
        low=min(low, mean),
        high=max(high, mean),
        per_sentence={trial.sentence_id: float(value) for trial, value in zip(trials, means, strict=True)},
        per_language={language: float(np.mean(values)) for language, values in sorted(languages.items())},
    )


def _interval(table: Floats, seed: int) -> tuple[float, float]:
    """95 % interval with raters and sentences both drawn anew (the pigeonhole bootstrap, Owen 2007).

    Ratings of one person, or of one sentence, are not independent; drawing single ratings would make the
    interval far too narrow.
    """
    dice, (raters, sentences) = np.random.default_rng(seed), table.shape
    means = []
    for _ in range(RESAMPLES // _AT_A_TIME):
        rows = dice.integers(0, raters, (_AT_A_TIME, raters))
        columns = dice.integers(0, sentences, (_AT_A_TIME, sentences))
        drawn = table[rows[:, :, None], columns[:, None, :]]  # [resample, rater, sentence]
        answered = np.isfinite(drawn)
        counts = answered.sum(axis=1)
        sums = np.where(answered, drawn, 0.0).sum(axis=1)
        heard = counts.sum(axis=1) > 0
        of_sentence = np.where(counts > 0, sums / np.maximum(counts, 1), 0.0)
        means.append(of_sentence[heard].sum(axis=1) / (counts[heard] > 0).sum(axis=1))
    tail = (1 - CONFIDENCE) / 2
    bounds: NDArray[np.float64] = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return float(bounds[0]), float(bounds[1])


def _abx(test: Plan, kept: Sequence[Ratings]) -> Iterable[AbxFigure]:
    from scipy.stats import binomtest

    groups: dict[tuple[str, str], list[bool]] = {}
    for trial in test.abx:
        if trial.role != "pair":
            continue
        first, second = sorted((trial.first, trial.second), key=test.systems.index)
        answers = groups.setdefault((first, second), [])
        answers += [one.answers[trial.trial] == trial.x_is for one in kept if _valid(trial, one)]
    for (first, second), answers in groups.items():
        if answers:
            test_of = binomtest(sum(answers), len(answers), 0.5, alternative="greater")
            both = binomtest(sum(answers), len(answers), 0.5).proportion_ci(CONFIDENCE)
            yield AbxFigure(
                first, second, len(answers), sum(answers), float(both.low), float(both.high),
                float(test_of.pvalue),
            )  # fmt: skip


def _doubts(mos: Sequence[MosFigure], raters: int, asked: ListeningParams) -> Iterable[tuple[str, str]]:
    if raters < asked.raters_min:
        yield (
            f"평가자 {raters}명: 최소 {asked.raters_min}명이 되어야 평가 기록에 넣는다",
            f"{raters} raters: at least {asked.raters_min} are needed for the evidence",
        )
    by_name = {one.name: one for one in mos}
    high, low = by_name.get(REFERENCE), by_name.get(LOW_ANCHOR)
    for one in mos:
        if one.name in {REFERENCE, LOW_ANCHOR}:
            continue
        if low is not None and one.mean <= low.mean:
            yield f"{one.name}: 잡음 앵커보다 높지 않다", f"{one.name} is rated no better than the low anchor"
        if high is not None and one.mean > high.mean:
            yield f"{one.name}: 기준 녹음보다 높다", f"{one.name} is rated above the recordings"
