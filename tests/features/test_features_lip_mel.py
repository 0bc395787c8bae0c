"""Windows of sound and pictures: 80 mel frames a second, 16 to 5 video frames, from the first to the last."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import DataError
from components.features.lip_mel import SILENCE, LipHearing, heard_at, lip_mel
from components.features.mel import MelAnalysis

HEARING = LipHearing(MelAnalysis(16000, 800, 200, 800, 80, 55.0, 7600.0, 1e-5), 0.97, 25, 16, 5)
NOISE = (0.1 * np.random.default_rng(0).standard_normal(24000)).astype(np.float32)


def test_windows_begin_where_their_video_frames_do() -> None:
    assert [HEARING.start(frame) for frame in range(6)] == [0, 3, 6, 9, 12, 16]
    assert HEARING.start(25) == 80
    assert HEARING.centred_start(2) == 0
    assert HEARING.centred_start(0) < 0
    for frame in range(2, 300):
        middle_of_frame = (frame + 0.5) / 25
        middle_of_window = (HEARING.centred_start(frame) + 7.5) / 80
        assert (
            abs(middle_of_frame - middle_of_window) <= 0.0163
        )  # 1.3 mel frames: half a frame by definition, the rest by rounding down


def test_the_first_and_last_windows_hear_silence_beyond_the_clip() -> None:
    mel = np.ones((40, 80), np.float32)
    first = heard_at(mel, -6, HEARING)
    assert first.shape == (80, 16)
    assert np.all(first[:, :6] == SILENCE)
    assert np.all(first[:, 6:] == 1)
    last = heard_at(mel, 30, HEARING)
    assert np.all(last[:, :10] == 1)
    assert np.all(last[:, 10:] == SILENCE)
    assert np.all(heard_at(mel, -100, HEARING) == SILENCE)
    assert np.all(heard_at(mel, 100, HEARING) == SILENCE)


@given(st.integers(-40, 140), st.integers(0, 60))
def test_a_piece_hears_what_the_whole_hears(first: int, count: int) -> None:
    whole = lip_mel(NOISE, -60, 220, HEARING)
    piece = lip_mel(NOISE, first, first + count, HEARING)
    assert piece.shape == (count, 80)
    np.testing.assert_allclose(piece, whole[first + 60 : first + 60 + count], atol=1e-4)


def test_digital_silence_is_the_floor_and_no_nan() -> None:
    for samples in (np.zeros(16000, np.float32), np.zeros(0, np.float32), np.zeros(8000, np.int16)):
        mel = lip_mel(samples, -3, 90, HEARING)
        assert np.all(mel == SILENCE)


def test_integers_and_floats_are_heard_alike_and_loudness_orders() -> None:
    as_int = (NOISE * 32767).round().astype(np.int16)
    np.testing.assert_allclose(lip_mel(as_int, 0, 100, HEARING), lip_mel(NOISE, 0, 100, HEARING), atol=0.02)
    loud, soft = (lip_mel(NOISE * gain, 10, 90, HEARING).mean() for gain in (1.0, 0.1))
    assert loud - soft == pytest.approx(8.0 * 20 / 100, abs=0.05)  # 20 dB of the 100 that make 8


@pytest.mark.parametrize("bad", [np.full(16000, np.nan, np.float32), np.zeros((2, 100), np.float32)])
def test_unusable_sound_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(DataError):
        lip_mel(bad, 0, 10, HEARING)


@given(st.integers(0, 10**6))
def test_video_frames_cover_the_sound(samples: int) -> None:
    frames = HEARING.video_frames(samples)
    assert frames >= 1
    assert frames * 640 >= samples
    assert (frames - 1) * 640 < max(samples, 1)
