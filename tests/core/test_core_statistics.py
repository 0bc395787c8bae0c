"""Intervals: they hold the value, shrink with agreement, and refuse to score nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.errors import NothingScoredError
from components.core.statistics import bootstrap_mean, bootstrap_quantile

SCORES = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=60)


@settings(max_examples=30)
@given(SCORES)
def test_the_interval_holds_the_value_and_stays_inside_the_data(scores: list[float]) -> None:
    value, low, high = bootstrap_mean(scores, seed=1)
    assert low <= value <= high
    assert min(scores) - 1e-9 <= low
    assert high <= max(scores) + 1e-9


def test_coverage_is_near_95_percent() -> None:
    random = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        _, low, high = bootstrap_mean(random.normal(0.5, 0.1, size=60), seed=trial)
        hits += low <= 0.5 <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_equal_scores_have_no_width_and_a_seed_fixes_the_rest() -> None:
    assert bootstrap_mean([0.85] * 30, seed=3) == (
        pytest.approx(0.85),
        pytest.approx(0.85),
        pytest.approx(0.85),
    )
    assert bootstrap_quantile([1, 2, 3, 4], 0.95, seed=5) == bootstrap_quantile([1, 2, 3, 4], 0.95, seed=5)


@pytest.mark.parametrize("scores", [[], [float("nan")], [1.0, float("inf")]])
def test_nothing_to_score_raises(scores: list[float]) -> None:
    with pytest.raises(NothingScoredError):
        bootstrap_mean(scores, seed=1)
