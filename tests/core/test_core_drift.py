"""Drift: a shift must be large and no chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.drift import DataProfile, population_stability, shifts
from components.core.params.review import DriftParams, KsParams

LIMITS = DriftParams(
    rows=500,
    recordings=100,
    recordings_min=20,
    listen_s=1.0,
    ks=KsParams(distance=0.2, significance=0.01),
    psi=0.2,
    restore_max_gib=0.0,
)


def profile(f0: float = 180.0, size: int = 100, **changes: object) -> DataProfile:
    rng = np.random.default_rng(1)
    drawn = DataProfile(
        data_md5="d" * 32,
        duration_s=tuple(rng.uniform(1, 6, size)),
        f0_hz=tuple(rng.normal(f0, 20, size)),
        snr_db=tuple(rng.normal(40, 5, size)),
        languages={"ko": size // 2, "en": size - size // 2},
    )
    return replace(drawn, **changes)  # type: ignore[arg-type]


def verdicts(before: DataProfile, after: DataProfile) -> dict[str, str]:
    return {shift.name: shift.verdict for shift in shifts(before, after, LIMITS)}


def test_only_the_property_that_moved_is_named() -> None:
    assert set(verdicts(profile(), profile()).values()) == {"same"}
    assert verdicts(profile(), profile(f0=150.0)) == {
        "duration_s": "same",
        "f0_hz": "drifted",
        "snr_db": "same",
        "languages": "same",
    }
    moved = verdicts(profile(), profile(languages={"ko": 90, "ja": 10}))
    assert moved["languages"] == "drifted"


def test_a_small_shift_of_many_recordings_is_none_however_significant() -> None:
    (shift,) = (
        s for s in shifts(profile(size=5000), profile(f0=183.0, size=5000), LIMITS) if s.name == "f0_hz"
    )
    assert shift.p_value is not None
    assert shift.p_value < LIMITS.ks.significance
    assert shift.verdict == "same"


def test_too_few_recordings_are_not_judged() -> None:
    few = profile(f0=90.0, size=LIMITS.recordings_min - 1)
    assert set(verdicts(few, profile()).values()) == {"not measured"}


counts = st.dictionaries(st.sampled_from(["ko", "en", "ja", "zh"]), st.integers(0, 1000), min_size=1).filter(
    lambda found: sum(found.values()) > 0
)


@given(counts, counts)
def test_stability_is_symmetric_never_negative_and_zero_for_the_same(
    one: dict[str, int], other: dict[str, int]
) -> None:
    there = population_stability(one, other)
    assert there >= 0
    assert there == pytest.approx(population_stability(other, one))
    assert population_stability(one, {key: 3 * count for key, count in one.items()}) == pytest.approx(0)
