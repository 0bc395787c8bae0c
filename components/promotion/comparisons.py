"""All comparisons of a decision together: Holm's step-down, and how many sentences would have decided.

Every KPI is told as met or not by itself, beside the verdict over all. Each bound at 95 % would let one of
six such statements be wrong more often than one in twenty; Holm (1979) keeps the chance that any is wrong
below that, and takes less from the strong ones than Bonferroni (docs/adr/0029).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from components.core.metrics import Reason, Verdict
from components.core.statistics import Floats
from components.promotion.reasons import ROUNDING


@dataclass(frozen=True)
class Judgement:
    """What became of one comparison.

    Attributes:
        verdict: FAIL if the figure itself lies beyond its bar, PASS if the corrected bound does not either.
        level: one-sided, at which the bound was held against the bar.
        bound: of the distance to the bar at that level; positive is good.
        needed: sentences that would decide with `KpiParams.power`, if the figure stays; None where the
            verdict is not a bound's, or no number would.
    """

    verdict: Verdict
    level: float
    bound: float
    needed: int | None

    @property
    def confidence(self) -> str:
        """``99.2 %``: of the two-sided interval whose bad end the bound is."""
        return f"{100 * (1 - 2 * self.level):.3g} %"

    @property
    def wanting(self) -> str:
        """The end of an INCONCLUSIVE reason; empty for the others."""
        if self.verdict != "INCONCLUSIVE":
            return ""
        if self.needed is None:
            return "; too close to the bar for any number of sentences"
        return f"; about {self.needed} sentences would decide"


@dataclass(frozen=True)
class Comparison:
    """A figure against a bar.

    Attributes:
        point: distance to the bar in the KPI's unit; positive is good.
        draws: [R] the same distance in every resample of the sentences.
        sentences: that were resampled.
        told: puts the judgement into a reason.
    """

    point: float
    draws: Floats
    sentences: int
    told: Callable[[Judgement], Reason]

    @property
    def doubt(self) -> float:
        """Bootstrap p value, one-sided, of the distance being negative."""
        return (1 + int((~(self.draws >= -ROUNDING)).sum())) / (1 + self.draws.size)


def judged(comparisons: Sequence[Comparison], family: int, confidence: float, power: float) -> list[Reason]:
    """A reason for each comparison, in their order.

    Args:
        comparisons: those that could be made.
        family: how many the decision asks for; one that could not be made counts as well, so that no gap in
            the evidence makes the others easier.
        confidence: of all bounds together, two-sided.
        power: of the sample size that is told to be needed.
    """
    alpha = (1 - confidence) / 2
    order = sorted(range(len(comparisons)), key=lambda index: comparisons[index].doubt)
    reasons: dict[int, Reason] = {}
    met = True
    for rank, index in enumerate(order):
        one, level = comparisons[index], alpha / (family - rank)
        met = met and one.doubt <= level
        reasons[index] = one.told(_judgement(one, level, met, power))
    return [reasons[index] for index in range(len(comparisons))]


def _judgement(one: Comparison, level: float, met: bool, power: float) -> Judgement:
    # Written so that a distance that is not a number falls on the wrong side.
    verdict: Verdict = "FAIL" if not one.point >= -ROUNDING else "PASS" if met else "INCONCLUSIVE"
    bound = float(np.quantile(one.draws, level))
    needed = _needed(one, level, power) if verdict == "INCONCLUSIVE" else None
    return Judgement(verdict, level, bound, needed)


def _needed(one: Comparison, level: float, power: float) -> int | None:
    """Sample size of a one-sided z test whose standard error is the bootstrap's (Cohen 1988, ch. 2)."""
    if one.point <= ROUNDING:
        return None
    normal = NormalDist()
    wanted = normal.inv_cdf(1 - level) + normal.inv_cdf(power)
    exact = one.sentences * (wanted * float(one.draws.std()) / one.point) ** 2
    return max(math.ceil(exact), one.sentences + 1)
