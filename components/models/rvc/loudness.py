"""The source's loudness on converted samples, as they come."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SMALLEST = 1e-6
"""Of a mean square: what is 60 dB below full scale is not amplified."""


class LoudnessMix:
    """Converted samples times (source's loudness / own loudness) ^ (1 - rate), both over the last seconds.

    Differs from upstream: the window lies before a frame and not around it, so that a stream and a file hear
    the same. The gain moves linearly from frame to frame.

    Args:
        rate: 1 keeps the converted loudness, 0 takes the source's.
        window: frames of 10 ms.
    """

    def __init__(self, rate: float, window: int) -> None:
        self._share, self._window = 1.0 - rate, window
        self._history = np.zeros((2, 0))
        self._gain: float | None = None

    def __call__(self, source: NDArray[np.float32], made: NDArray[np.float32]) -> NDArray[np.float32]:
        """The next frames.

        Args:
            source: [T, hop of the source].
            made: [T, hop of the result], of the same times.

        Returns:
            [T · hop of the result].
        """
        powers = np.stack([np.square(one, dtype=np.float64).mean(axis=1) for one in (source, made)])
        whole = np.concatenate([self._history, powers], axis=1)
        sums = np.cumsum(np.pad(whole, ((0, 0), (1, 0))), axis=1)
        ends = np.arange(len(made)) + self._history.shape[1] + 1
        starts = np.maximum(0, ends - self._window)
        means = (sums[:, ends] - sums[:, starts]) / (ends - starts)
        ratio = np.sqrt(np.maximum(means[0], 0.0) / np.maximum(means[1], _SMALLEST))
        gains = ratio**self._share if self._share else np.ones(len(made))
        self._history = whole[:, max(0, whole.shape[1] - self._window + 1) :]
        before = np.concatenate([[gains[0] if self._gain is None else self._gain], gains[:-1]])
        self._gain = float(gains[-1])
        ramp = (np.arange(made.shape[1]) + 1.0) / made.shape[1]
        factors = before[:, None] + (gains - before)[:, None] * ramp
        result: NDArray[np.float32] = (made * factors).astype(np.float32).ravel()
        return result
