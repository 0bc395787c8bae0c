"""Whole frames from seconds: nothing lost, nothing drifting."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import DataError
from components.core.utterance import PhonemeTiming
from components.features.durations import frame_durations

HOP_S = 256 / 22050


def timings(*edges: float) -> list[PhonemeTiming]:
    return [
        PhonemeTiming(utterance_id="u", symbol="a", start_s=a, end_s=b) for a, b in itertools.pairwise(edges)
    ]


lengths = st.lists(st.floats(0.0, 0.6), min_size=1, max_size=60)


@given(lengths, st.floats(0.0, 0.3))
def test_sum_is_the_number_of_frames_and_nothing_drifts(parts: list[float], tail: float) -> None:
    edges = np.concatenate([[0.0], np.cumsum(parts)])
    audio_s = float(edges[-1]) + tail + 0.05
    frames = 1 + int(audio_s / HOP_S)
    durations = frame_durations(timings(*map(float, edges)), frames, HOP_S, audio_s)
    assert durations.sum() == frames
    assert durations.min() >= 0
    drift = np.abs(np.cumsum(durations)[:-1] * HOP_S - edges[1:-1])
    assert drift.max(initial=0.0) <= HOP_S / 2 + 1e-9


def test_gaps_belong_to_the_symbol_before() -> None:
    phones = [
        PhonemeTiming(utterance_id="u", symbol="a", start_s=1 * HOP_S, end_s=2 * HOP_S),
        PhonemeTiming(utterance_id="u", symbol="b", start_s=6 * HOP_S, end_s=8 * HOP_S),
    ]
    assert frame_durations(phones, 12, HOP_S, 11.5 * HOP_S).tolist() == [6, 6]


def test_a_symbol_shorter_than_half_a_frame_gets_none() -> None:
    edges = timings(0.0, 4.0 * HOP_S, 4.2 * HOP_S, 9 * HOP_S)
    assert frame_durations(edges, 10, HOP_S, 9.5 * HOP_S).tolist() == [4, 0, 6]


@pytest.mark.parametrize(
    ("phones", "message"),
    [
        ([], "at least one symbol"),
        (timings(0.0, 0.3, 0.2, 0.5), "symbol 2 'a' at 0.200-0.500 s"),
        (timings(0.0, 0.5, 1.4), "an end at 1.400 s"),
    ],
    ids=["none", "backwards", "longer than the audio"],
)
def test_misfits_are_named(phones: list[PhonemeTiming], message: str) -> None:
    with pytest.raises(DataError, match=message):
        frame_durations(phones, 87, HOP_S, 1.0)
