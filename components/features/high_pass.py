"""Takes the rumble out below a voice, block by block if need be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

_ORDER = 5


class HighPass:
    """A causal Butterworth filter with a memory: blocks of a recording give what the whole would.

    Args:
        cutoff_hz: where it takes half the power.
        sample_rate: Hz.
    """

    def __init__(self, cutoff_hz: float, sample_rate: int) -> None:
        self._sections = butter(_ORDER, cutoff_hz, "highpass", fs=sample_rate, output="sos")
        self._memory = np.zeros((len(self._sections), 2))

    def __call__(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The next samples [N] of the recording, filtered."""
        if not len(samples):
            return samples
        filtered, self._memory = sosfilt(self._sections, samples.astype(np.float64), zi=self._memory)
        result: NDArray[np.float32] = filtered.astype(np.float32)
        return result
