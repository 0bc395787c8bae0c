"""f0 against tones whose pitch is known, and the inputs on which WORLD answers silently wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tone_corpus import RATE, tone

from components.core.errors import DataError
from components.features.pitch import PitchAnalysis, f0

DIO = PitchAnalysis("dio", 50.0, 1100.0)
HARVEST = PitchAnalysis("harvest", 50.0, 1100.0)
HOP = 256


@pytest.mark.parametrize("analysis", [DIO, HARVEST], ids=["dio", "harvest"])
@pytest.mark.parametrize("hz", [90.0, 150.0, 320.0])
def test_finds_the_pitch_of_a_harmonic_tone(analysis: PitchAnalysis, hz: float) -> None:
    found = f0(tone(1.0, hz=hz), RATE, HOP, analysis)[5:-5]
    voiced = found[found > 0]
    cents = 1200 * np.abs(np.log2(voiced / hz))
    assert len(voiced) > 0.9 * len(found)
    assert np.mean(cents > 100) < 0.02, "gross pitch errors"
    assert np.median(cents) < 10


def test_pauses_are_unvoiced() -> None:
    pause = np.zeros(RATE // 2, np.float32)
    pause += np.random.default_rng(0).standard_normal(len(pause)).astype(np.float32) * 1e-4
    found = f0(np.concatenate([tone(0.5), pause]), RATE, HOP, DIO)
    assert np.mean(found[50:] == 0) > 0.8
    assert np.mean(found[5:38] > 0) > 0.8


@settings(max_examples=25, deadline=None)
@given(samples=st.integers(4000, 12000), hop=st.sampled_from([200, 256, 320, 441]))
def test_frames_are_the_mels(samples: int, hop: int) -> None:
    assert len(f0(tone(0.6)[:samples], RATE, hop, DIO)) == 1 + samples // hop


@pytest.mark.parametrize(
    ("signal", "found"),
    [
        (np.zeros(0, np.float32), r"shape \(0,\)"),
        (np.zeros(5000, np.float32), "digital silence"),
        (np.array([0.1] * 3000 + [np.nan] * 3, np.float32), "3 NaN or infinite"),
        (np.array([0.1] * 3000 + [np.inf], np.float32), "1 NaN or infinite"),
        (np.zeros((10, 2), np.float32), r"shape \(10, 2\)"),
        (np.full(9000, 0.2, np.float32), "none in 36"),
    ],
    ids=["empty", "silent", "nan", "inf", "stereo", "unvoiced"],
)
def test_refuses_what_world_would_call_unvoiced(signal: NDArray[np.float32], found: str) -> None:
    with pytest.raises(DataError, match=found):
        f0(signal, RATE, HOP, DIO)


@pytest.mark.parametrize("analysis", [DIO, HARVEST], ids=["dio", "harvest"])
def test_ten_milliseconds_are_ten(analysis: PitchAnalysis) -> None:
    """WORLD's default period is 5 ms: two seconds would have 401 frames, and every pitch at half its time."""
    rate, hop = 16000, 160
    glide = np.concatenate([tone(1.0, 150.0, rate), tone(1.0, 300.0, rate)])
    found = f0(glide, rate, hop, analysis)
    assert len(found) == 201
    assert np.median(found[10:90]) == pytest.approx(150.0, rel=0.02)
    assert np.median(found[110:190]) == pytest.approx(300.0, rel=0.02)


def test_world_gets_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    import pyworld

    seen: list[tuple[np.dtype[np.generic], float]] = []
    dio = pyworld.dio

    def watched(signal: NDArray[np.float64], rate: int, **options: float) -> object:
        seen.append((signal.dtype, options["frame_period"]))
        return dio(signal, rate, **options)

    monkeypatch.setattr(pyworld, "dio", watched)
    f0(tone(0.5, rate=16000), 16000, 160, DIO)
    assert seen == [(np.dtype(np.float64), 10.0)]
