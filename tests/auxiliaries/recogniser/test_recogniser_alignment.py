"""Forced alignment: the best path among all paths, and what a clip cannot hold."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.auxiliaries.recogniser.forced_alignment import forced_alignment
from components.auxiliaries.recogniser.labels import BLANK
from components.core.errors import DataError

CLASSES = 3


def collapsed(path: tuple[int, ...]) -> list[int]:
    return [label for label, _ in itertools.groupby(path) if label != BLANK]


def log_probabilities(frames: int, seed: int) -> np.ndarray:
    raw = np.random.default_rng(seed).normal(size=(frames, CLASSES)) * 2.0
    return (raw - np.log(np.exp(raw).sum(1, keepdims=True))).astype(np.float32)


@settings(max_examples=60)
@given(
    st.lists(st.integers(1, CLASSES - 1), min_size=1, max_size=4),
    st.integers(1, 7),
    st.integers(0, 2**32 - 1),
)
def test_it_is_the_best_of_all_paths(labels: list[int], frames: int, seed: int) -> None:
    heard = log_probabilities(frames, seed)
    paths = [p for p in itertools.product(range(CLASSES), repeat=frames) if collapsed(p) == labels]
    if not paths:
        with pytest.raises(DataError, match="alignment of a text"):
            forced_alignment(heard, labels)
        return
    best = max(float(heard[np.arange(frames), list(p)].astype(np.float64).sum()) for p in paths)
    found = forced_alignment(heard, labels)
    assert found.log_probability == pytest.approx(best, abs=1e-6)
    own = [BLANK] * frames
    for label, span in zip(labels, found.spans, strict=True):
        own[span.first : span.last + 1] = [label] * (span.last + 1 - span.first)
    assert collapsed(tuple(own)) == labels
    assert float(heard[np.arange(frames), own].sum()) == pytest.approx(best, abs=1e-5)


def test_nothing_to_say_is_refused() -> None:
    with pytest.raises(DataError, match="found 0"):
        forced_alignment(log_probabilities(4, 0), [])
