"""Audio that cannot be judged is told apart from audio that can."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from components import catalogue
from components.core.paths import project_root
from components.evaluation.audio_faults import audio_fault

LIMITS = catalogue.load(project_root(), "ci").data.validation
SOUND = (0.3 * np.sin(np.arange(8000) / 7)).astype(np.float32)


def with_value(value: float, count: int) -> NDArray[np.float32]:
    samples = SOUND.copy()
    samples[100 : 100 + count] = value
    return samples


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros(0, np.float32), "empty"),
        (SOUND[None, :], "empty"),
        (with_value(float("nan"), 1), "1 samples are NaN"),
        (with_value(float("-inf"), 2), "2 samples are NaN"),
        (np.zeros(8000, np.float32), "silent"),
        (SOUND * 1e-3, "silent"),
        (with_value(1.0, 80), "clipped: 1.00%"),
        (with_value(-1.0, 80), "clipped"),
    ],
)
def test_fault_is_named(samples: NDArray[np.float32], words: str) -> None:
    fault = audio_fault(samples, LIMITS)
    assert fault is not None
    assert words in fault


def test_sound_audio_has_none_nor_has_a_single_full_sample() -> None:
    assert audio_fault(SOUND, LIMITS) is None
    assert audio_fault(with_value(1.0, 1), LIMITS) is None
