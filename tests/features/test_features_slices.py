"""Slices: no sound is lost, no pause is kept whole; and a high-pass that works in blocks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.features.high_pass import HighPass
from components.features.slices import SliceRules, slices

RATE = 1000
RULES = SliceRules(
    silence_db=-42.0, min_silence_s=0.4, keep_silence_s=0.1, min_s=0.3, max_s=2.0, overlap_s=0.3
)


def sounding(parts: list[tuple[bool, float]], level: float = 0.5) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.concatenate(
        [
            level * rng.standard_normal(round(s * RATE)) if loud else np.zeros(round(s * RATE))
            for loud, s in parts
        ]
    ).astype(np.float32)


def test_a_long_pause_parts_and_a_short_one_does_not() -> None:
    samples = sounding([(True, 0.5), (False, 0.2), (True, 0.5), (False, 1.0), (True, 0.5)])
    assert slices(samples, RATE, RULES) == [(0, 1300), (2100, 2700)]
    assert slices(1e-3 * samples, RATE, RULES) == [(0, 1300), (2100, 2700)], "the level does not matter"


def test_a_long_stretch_becomes_equal_slices_that_overlap() -> None:
    found = slices(sounding([(True, 5.0)]), RATE, RULES)
    lengths = {stop - start for start, stop in found}
    assert len(lengths) == 1
    assert lengths.pop() <= 2000
    assert found[0][0] == 0
    assert found[-1][1] == 5000
    assert all(a[1] - b[0] >= 299 for a, b in pairwise(found))


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(3), np.zeros(5000)])
def test_silence_has_no_slices(samples: np.ndarray) -> None:
    assert slices(samples.astype(np.float32), RATE, RULES) == []


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 3.0)), min_size=1, max_size=8))
def test_sound_long_enough_is_in_a_slice_and_slices_keep_the_rules(parts: list[tuple[bool, float]]) -> None:
    samples = sounding(parts)
    found = slices(samples, RATE, RULES)
    for start, stop in found:
        assert 0 <= start < stop <= len(samples)
        assert 300 <= stop - start <= 2000
    covered = np.zeros(len(samples), bool)
    for start, stop in found:
        covered[start:stop] = True
    edge = 0
    for loud, seconds in parts:
        length = round(seconds * RATE)
        if loud and length >= 320:
            assert covered[edge : edge + length - 10].all()  # the last frame may be cut off
        edge += length


def test_a_high_pass_in_blocks_is_the_high_pass_of_the_whole() -> None:
    rng = np.random.default_rng(1)
    t = np.arange(16000) / 16000
    samples = (np.sin(2 * np.pi * 10 * t) + 0.1 * rng.standard_normal(16000)).astype(np.float32)
    whole = HighPass(48.0, 16000)(samples)
    blockwise = HighPass(48.0, 16000)
    parts = [blockwise(part) for part in np.split(samples, [1, 1, 700, 701, 12000])]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert np.abs(whole[8000:]).mean() < 0.15, "10 Hz are gone"
    tone = np.sin(2 * np.pi * 200 * t).astype(np.float32)
    assert np.abs(HighPass(48.0, 16000)(tone))[4000:].max() == pytest.approx(1.0, abs=0.02)
