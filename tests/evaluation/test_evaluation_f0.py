"""f0 against sounds whose f0 is known: that they have it, and that agreement counts what it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import DataError, NothingScoredError
from components.espeak.synthesis import Voice, synthesise
from components.evaluation.f0_agreement import NOTHING, UNKNOWN, Floats, agreement, course
from components.evaluation.known_pitch import made_from_f0, of_one_pitch, one_pitch, resampled, vowel
from components.features.pitch import PitchAnalysis

RATE, HOP = 16000, 160
DIO, HARVEST = PitchAnalysis("dio", 50.0, 1100.0), PitchAnalysis("harvest", 50.0, 1100.0)
TEXT = "Peter saw a purple fish, and she sells sea shells."


def floats(*values: float) -> Floats:
    return np.array(values, np.float32)


def test_every_kind_of_error_is_counted_once() -> None:
    truth = floats(100, 100, 100, 0, 0, np.nan, np.nan)
    told = agreement(floats(100, 150, 0, 0, 90, 50, 0), truth)
    assert (told.known, told.missed, told.false, told.both, told.gross) == (5, 1, 1, 2, 1)
    assert told.voicing_error == pytest.approx(2 / 5)
    assert told.missed_share == pytest.approx(1 / 3)
    assert told.false_share == pytest.approx(1 / 2)
    assert told.gross_error == pytest.approx(1 / 2)
    assert told.fine_cents == 0.0, "gross errors are not averaged in"


def test_a_semitone_is_a_hundred_cents() -> None:
    told = agreement(floats(200, 200 * 2 ** (-1 / 12)), floats(200 * 2 ** (1 / 12), 200))
    assert told.fine_cents == pytest.approx(100, rel=1e-4)
    assert told.gross_error == 0.0


@given(st.lists(st.sampled_from([0.0, 80.0, 120.0, 400.0]), min_size=1, max_size=40), st.integers(0, 40))
def test_recordings_add_up(values: list[float], cut: int) -> None:
    truth, found = floats(*values), floats(*reversed(values))
    whole = agreement(found, truth)
    parts = agreement(found[:cut], truth[:cut]) + agreement(found[cut:], truth[cut:])
    assert (whole.known, whole.missed, whole.false, whole.both, whole.gross) == (
        parts.known, parts.missed, parts.false, parts.both, parts.gross,
    )  # fmt: skip
    assert whole.cents == pytest.approx(parts.cents, abs=1e-3)


def test_nothing_scored_raises_and_lengths_must_agree() -> None:
    with pytest.raises(NothingScoredError):
        _ = agreement(floats(0, 0), floats(0, 0)).gross_error
    with pytest.raises(NothingScoredError):
        _ = NOTHING.voicing_error
    with pytest.raises(DataError, match="same hop"):
        agreement(floats(0), floats(0, 0))


def test_unvoiced_throughout_is_an_answer_but_nan_is_not() -> None:
    noise = np.full(9000, 0.2, np.float32)
    assert not course(noise, RATE, HOP, DIO).any()
    noise[5] = np.nan
    with pytest.raises(DataError, match="NaN"):
        course(noise, RATE, HOP, DIO)


@pytest.mark.parametrize("hz", [80.0, 220.0, 500.0])
def test_clean_pulses_have_the_pitch_they_are_said_to_have(hz: float) -> None:
    sound = vowel(hz, -40.0, 3.0, RATE, HOP, seed=0)
    told = agreement(course(sound.samples, RATE, HOP, DIO), sound.truth)
    assert told.both > 80
    assert told.missed == 0
    assert told.false_share < 0.15, "breath sounds voiced to Dio now and then"
    assert told.gross_error == 0.0
    assert told.fine_cents < 5


def test_a_wrong_truth_shows() -> None:
    sound = vowel(150.0, -40.0, 2.0, RATE, HOP, seed=0)
    found = course(sound.samples, RATE, HOP, DIO)
    assert agreement(found, sound.truth * np.float32(1.5)).gross_error == 1.0
    shifted = np.roll(sound.truth, 40)
    assert agreement(found, shifted).voicing_error > 0.5


def test_a_voice_without_range_has_one_pitch_and_its_sounds_their_voicing() -> None:
    speech = synthesise(TEXT, "en", Voice("belinda", 50, 0), 165)
    lively = synthesise(TEXT, "en", Voice("belinda", 50, 50), 165)
    found, moving = (course(resampled(one, RATE), RATE, HOP, DIO) for one in (speech, lively))
    hz = one_pitch([found])
    assert 200 < hz < 230
    voiced = found[found > 0]
    assert np.mean(np.abs(voiced / hz - 1) < 0.03) > 0.95
    assert np.mean(np.abs(moving[moving > 0] / hz - 1) < 0.03) < 0.8, "else the range had no effect"
    known = of_one_pitch(speech, hz, RATE, HOP)
    assert len(known.truth) == len(found)
    told = agreement(found, known.truth)
    assert told.known > 60
    assert told.false_share < 0.1
    assert told.missed_share < 0.2
    assert np.isnan(known.truth).any(), "sonorants and edges are not judged"


def test_speech_made_from_an_f0_has_that_f0() -> None:
    samples = resampled(synthesise(TEXT, "en", Voice(), 165), RATE)
    given_f0 = course(samples, RATE, HOP, DIO)
    raised = np.where(given_f0 > 0, given_f0 * np.float32(1.3), 0).astype(np.float32)
    sound = made_from_f0(samples, RATE, HOP, raised, raised)
    assert len(sound.truth) == 1 + len(sound.samples) // HOP
    found = course(sound.samples, RATE, HOP, DIO)
    told = agreement(found, sound.truth)
    assert told.gross_error < 0.02
    assert told.fine_cents < 40
    assert told.voicing_error < 0.15


def test_where_the_methods_disagree_nothing_is_voiced() -> None:
    samples = resampled(synthesise(TEXT, "en", Voice(), 165), RATE)
    dio = course(samples, RATE, HOP, DIO)
    octave = np.where(np.arange(len(dio)) < len(dio) // 2, dio, 2 * dio).astype(np.float32)
    truth = made_from_f0(samples, RATE, HOP, dio, octave).truth
    half = len(dio) // 2 + 2
    assert not (truth[half:] > 0).any()
    assert (truth[:half] > 0).any()
    assert np.isnan(UNKNOWN)
