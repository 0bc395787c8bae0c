"""Bootstrap intervals over sentences (Efron & Tibshirani 1993, ch. 13, percentile method)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from components.core.errors import NothingScoredError

Floats = NDArray[np.float64]
RESAMPLES = 2000
CONFIDENCE = 0.95


def resampled(
    values: Sequence[float] | Floats,
    statistic: Callable[[Floats], Floats],
    seed: int,
) -> tuple[float, Floats]:
    """The statistic of ``values``, and of each of their ``RESAMPLES`` resamples.

    Args:
        values: N scores, one per sentence.
        statistic: maps [R, N] resamples to [R] statistics (``lambda x: x.mean(axis=-1)``).
        seed: fixes the resamples, so a report made twice is the same.

    Raises:
        NothingScoredError: no values, or a value that is not finite.
    """
    scores = np.asarray(values, dtype=np.float64)
    if scores.size == 0 or not np.isfinite(scores).all():
        raise NothingScoredError(
            who="bootstrap",
            expected="one finite score per sentence",
            found=f"{scores.size} scores, {int((~np.isfinite(scores)).sum())} of them not finite",
            action="look at the per-sentence table: a sentence that failed must be reported, not averaged",
        )
    point = float(statistic(scores[None, :])[0])
    picks = np.random.default_rng(seed).integers(0, scores.size, size=(RESAMPLES, scores.size))
    return point, statistic(scores[picks])


def bootstrap(
    values: Sequence[float] | Floats,
    statistic: Callable[[Floats], Floats],
    seed: int,
) -> tuple[float, float, float]:
    """The statistic of ``values`` and its 95 % percentile interval; see `resampled`.

    Raises:
        NothingScoredError: no values, or a value that is not finite.
    """
    return _interval(*resampled(values, statistic, seed))


def bootstrap_mean(values: Sequence[float] | Floats, seed: int) -> tuple[float, float, float]:
    """Mean and 95 % interval."""
    return bootstrap(values, lambda x: x.mean(axis=-1), seed)


def bootstrap_quantile(
    values: Sequence[float] | Floats, quantile: float, seed: int
) -> tuple[float, float, float]:
    """A quantile (0..1) and its 95 % interval."""
    return bootstrap(values, lambda x: np.quantile(x, quantile, axis=-1), seed)


def paired_resampled(
    ours: Sequence[float] | Floats,
    theirs: Sequence[float] | Floats,
    statistic: Callable[[Floats], Floats],
    seed: int,
) -> tuple[float, Floats]:
    """Our statistic minus theirs over the same sentences, and in each of the resamples.

    The same resample of sentences scores both, so what makes a sentence hard cancels out (Efron & Tibshirani
    1993, ch. 13; Koehn 2004 for the paired form over test sentences).

    Args:
        ours, theirs: N scores each, sentence by sentence.
        statistic: maps [R, N] resamples to [R] statistics.
        seed: fixes the resamples.

    Raises:
        NothingScoredError: no sentences.
    """
    mine, other = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)

    def difference(positions: Floats) -> Floats:
        picks = positions.astype(np.intp)
        return statistic(mine[picks]) - statistic(other[picks])

    return resampled(np.arange(mine.size, dtype=np.float64), difference, seed)


def paired_bootstrap(
    ours: Sequence[float] | Floats,
    theirs: Sequence[float] | Floats,
    statistic: Callable[[Floats], Floats],
    seed: int,
) -> tuple[float, float, float]:
    """The paired difference and its 95 % percentile interval; see `paired_resampled`.

    Raises:
        NothingScoredError: no sentences.
    """
    return _interval(*paired_resampled(ours, theirs, statistic, seed))


def _interval(point: float, draws: Floats) -> tuple[float, float, float]:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return point, float(min(low, point)), float(max(high, point))
