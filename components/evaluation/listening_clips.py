"""What listeners hear: every clip at one level, anchors and catches under modulated noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from components.core.errors import DataError

_PEAK = 0.99


def levelled(samples: NDArray[np.float32], level_dbfs: float) -> NDArray[np.float32]:
    """Samples [N] at that RMS level, or as loud as full scale allows; louder is not better, only louder.

    Raises:
        DataError: silence, or samples that are not finite.
    """
    rms = float(np.sqrt(np.mean(samples.astype(np.float64) ** 2))) if samples.size else 0.0
    if not np.isfinite(rms) or rms <= 0:
        raise DataError(
            who="listening test",
            expected="clips that can be heard",
            found="silence or samples that are not finite",
            action="leave the sentence out, and look at its fault in the review page",
        )
    gain = min(10 ** (level_dbfs / 20) / rms, _PEAK / float(np.max(np.abs(samples))))
    return (samples * gain).astype(np.float32)


def modulated_noise(samples: NDArray[np.float32], q_db: float, seed: int) -> NDArray[np.float32]:
    """y = x · (1 + 10^(−Q/20) · N), N white Gaussian of unit variance (ITU-T P.810, the MNRU).

    Args:
        samples: [N].
        q_db: signal to speech-correlated noise, dB; the lower, the worse.
        seed: of the noise.
    """
    noise = np.random.default_rng(seed).standard_normal(samples.size)
    spoilt: NDArray[np.float32] = (samples * (1 + 10 ** (-q_db / 20) * noise)).astype(np.float32)
    return spoilt
