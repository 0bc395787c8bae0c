"""The drawn face: the same pixels for the same names, and a mouth that follows the sounds."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.utterance import PhonemeTiming
from components.data.talking_face.identity import identity
from components.data.talking_face.mouth import mouth_track, shapes_of
from components.data.talking_face.talk import talk
from components.text import SPECIAL, inventory


def said(*symbols: str, each_s: float = 0.2) -> tuple[PhonemeTiming, ...]:
    return tuple(
        PhonemeTiming(utterance_id="u", symbol=s, start_s=i * each_s, end_s=(i + 1) * each_s)
        for i, s in enumerate(symbols)
    )


def test_the_same_names_draw_the_same_pixels_and_others_do_not() -> None:
    def clip(person: str, name: str) -> np.ndarray:
        return np.stack([f.image for f in talk(said("ᅡ", "ᄆ"), "ko", 0.4, person, name, 25, 80)])

    once = clip("model-1", "a")
    assert once.shape == (10, 80, 80, 3)
    assert np.array_equal(once, clip("model-1", "a"))
    assert not np.array_equal(once, clip("model-2", "a"))
    assert not np.array_equal(once, clip("model-1", "b"))
    assert identity("model-1") != identity("evaluator-1")


def test_the_head_moves_and_the_eyes_blink_without_any_speech() -> None:
    frames = list(talk((), "ko", 6.0, "model-0", "still", 25, 80))
    middles = np.stack([(f.box[:2] + f.box[2:]) / 2 for f in frames])
    assert np.ptp(middles[:, 0]) > 0.5
    assert np.ptp(middles[:, 1]) > 0.5
    changes = [np.abs(a.image.astype(int) - b.image).mean() for a, b in pairwise(frames)]
    assert max(changes) > 0


def test_lips_meet_for_m_and_open_for_a() -> None:
    track = mouth_track(said("ᅡ", "ᄆ", "ᅡ", "ᅮ"), "ko", 0.8, 25)
    opening, rounding = track[:, 0], track[:, 2]
    assert opening[2] > 0.6
    assert opening[7] < 0.05  # the middle of m
    assert opening[12] > 0.6
    assert rounding[17] > 0.6 > rounding[2]


def test_the_mouth_moves_in_the_frame_of_its_sound() -> None:
    """A click of an open mouth at a known time is seen at that time, not a frame off."""
    for at in (0.5, 0.52, 0.9):
        phone = PhonemeTiming(utterance_id="u", symbol="ᅡ", start_s=at, end_s=at + 0.12)
        track = mouth_track([phone], "ko", 2.0, 25)[:, 0]
        middle = float((track * (np.arange(len(track)) + 0.5) / 25).sum() / track.sum())
        assert middle == pytest.approx(at + 0.06, abs=0.01)


@pytest.mark.parametrize(
    ("symbol", "language", "letters"),
    [("ᅪ", "ko", 2), ("iao1", "zh", 3), ("aɪ", "en", 2), ("a", "ja", 1), ("_", "ko", 0), ("<pad>", "en", 0)],
)
def test_symbols_of_every_language_have_shapes(symbol: str, language: str, letters: int) -> None:
    assert len(shapes_of(symbol, language)) >= letters  # type: ignore[arg-type]
    assert (len(shapes_of(symbol, language)) == 0) == (letters == 0)  # type: ignore[arg-type]


def test_almost_every_symbol_moves_the_mouth_in_some_language() -> None:
    """The glottal sounds alone have no lips."""
    silent = [
        s
        for s in inventory()
        if s not in SPECIAL and not any(shapes_of(s, language) for language in ("ko", "en", "ja", "zh"))
    ]
    assert len(silent) <= 6, silent


@given(st.floats(0.01, 5.0), st.sampled_from([24.0, 25.0, 30.0]))
def test_as_many_frames_as_fit_and_at_least_one(seconds: float, fps: float) -> None:
    track = mouth_track(said("ᅡ", "ᄆ", "ᅵ"), "ko", seconds, fps)
    assert len(track) == max(1, int(seconds * fps))
    assert np.all((track >= 0) & (track <= 1.0 + 1e-6))
