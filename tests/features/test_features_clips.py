"""Clips of a long recording: nothing twice, no more than a stretch in memory, nothing but speech."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from paused_speech import speech

from components.features.clips import clips
from components.features.slices import SliceRules

RATE = 2000
RULES = SliceRules(-42.0, 0.4, 0.2, 1.6, 4.0, 0.0)


def numbered(seconds: float, pause: float) -> NDArray[np.float32]:
    """Speech in which every sample tells its place: the sound lies in the sign and the place in the size."""
    voice = speech(seconds, RATE, 90.0, pause)
    places = 0.5 + np.arange(len(voice)) / len(voice) / 4
    return np.where(np.abs(voice) > 0, np.sign(voice) * places, 0.0).astype(np.float32)


@settings(max_examples=30)
@given(
    st.floats(1.0, 60.0), st.floats(0.1, 3.0), st.floats(5.0, 30.0), st.integers(100, 9000), st.floats(0, 20)
)
def test_every_clip_is_a_part_of_its_own(
    seconds: float, pause: float, stretch: float, block: int, silence: float
) -> None:
    whole = np.concatenate([numbered(seconds, pause), np.zeros(round(silence * RATE), np.float32)])
    blocks = [whole[at : at + block] for at in range(0, len(whole), block)]
    found = list(clips(blocks, RATE, RULES, stretch))
    heard = np.concatenate([np.abs(clip[clip != 0]) for clip in found]) if found else np.zeros(0)
    assert np.all(np.diff(heard) > 0), "in order, and no sample twice"
    assert all(1.6 - 2 / RATE <= len(clip) / RATE <= 4.0 + 2 / RATE for clip in found)
    if pause > 0.5 and seconds > 2.0 and stretch > 3 * (2.0 + pause):
        whole_runs = int(seconds // (2.0 + pause))
        assert len(found) >= whole_runs, "each stretch of two seconds between pauses"


def test_an_hour_is_never_held() -> None:
    longest = 0

    def blocks() -> Iterator[NDArray[np.float32]]:
        for place in range(60):
            yield speech(10.0, RATE) if place % 3 else np.zeros(10 * RATE, np.float32)

    for clip in clips(blocks(), RATE, RULES, 15.0):
        base = clip.base
        longest = max(longest, len(clip), len(base) if base is not None else 0)
    assert longest <= 25 * RATE, "a clip holds on to no more than itself and a stretch"


def test_the_room_alone_is_no_speech() -> None:
    rng = np.random.default_rng(0)
    room = (2e-4 * rng.standard_normal(40 * RATE)).astype(np.float32)
    voice = speech(5.0, RATE)
    found = list(clips([voice + room[: len(voice)], room], RATE, RULES, 10.0))
    assert len(found) == 2
    assert all(np.abs(clip).max() > 0.1 for clip in found)
