"""Samples as 16-bit integers, in which stores keep them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FULL_SCALE = 32767


def as_pcm(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """[-1, 1] → 16 bits, clipped."""
    return (np.clip(samples, -1.0, 1.0) * _FULL_SCALE).round().astype(np.int16)


def as_samples(pcm: NDArray[np.int16]) -> NDArray[np.float32]:
    """16 bits → [-1, 1]."""
    return pcm.astype(np.float32) / np.float32(_FULL_SCALE)
