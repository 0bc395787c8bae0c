"""What a stream remembers: f0 once found, and nothing of one recording in the next."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from torch import Tensor

from components.models.rvc import session as streaming
from components.models.rvc.converter import RvcConverter
from components.models.rvc.params import FRAMES_PER_FEATURE


def test_f0_once_found_is_not_found_again(
    converter: RvcConverter, voice: Callable[..., NDArray[np.float32]], monkeypatch: pytest.MonkeyPatch
) -> None:
    searches = 0
    heard: dict[int, list[float]] = {}
    latents = streaming.Session._latents

    def another_answer_each_time(_: object, features: int, __: object) -> NDArray[np.float32]:
        nonlocal searches
        searches += 1
        return np.full(FRAMES_PER_FEATURE * features, 100.0 + searches, np.float32)

    def listening(self: streaming.Session, window: NDArray[np.float32], f0: Tensor) -> Tensor:
        kept = self._done - self._base + self._sizes.chunk + self._sizes.crossfade
        for place, hertz in enumerate(f0.flatten()[: FRAMES_PER_FEATURE * kept].tolist()):
            heard.setdefault(FRAMES_PER_FEATURE * self._base + place, []).append(hertz)
        return latents(self, window, f0)

    monkeypatch.setattr(streaming, "pitch_of", another_answer_each_time)
    monkeypatch.setattr(streaming.Session, "_latents", listening)
    samples = voice(2.4, 140.0)
    conversion = converter.begin("low", 0.0, live=True)
    for block in np.split(samples, 24):
        conversion.push(block)
    conversion.finish()
    assert searches > 8, "every chunk searches what it has not heard yet"
    assert max(len(answers) for answers in heard.values()) > 3, "a frame is heard by several chunks"
    assert all(len(set(answers)) == 1 for answers in heard.values()), "and always at its first answer"
    assert len({answers[0] for answers in heard.values()}) == searches


def test_a_new_recording_begins_anew(
    converter: RvcConverter, voice: Callable[..., NDArray[np.float32]]
) -> None:
    samples, other = voice(0.9, 140.0), voice(0.9, 220.0, seed=5)

    def whole(sound: NDArray[np.float32]) -> NDArray[np.float32]:
        conversion = converter.begin("low", 0.0, live=True)
        return np.concatenate([conversion.push(sound), conversion.finish()])

    alone = whole(samples)
    whole(other)
    np.testing.assert_array_equal(whole(samples), alone)
