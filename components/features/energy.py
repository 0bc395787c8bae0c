"""Loudness of a frame as FastPitch and FastSpeech 2 take it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def frame_energy(magnitude: NDArray[np.float32]) -> NDArray[np.float32]:
    """L2 norm over the bins: magnitudes [T, n_fft // 2 + 1] → [T], frame by frame as the mel."""
    energy: NDArray[np.float32] = np.sqrt(np.einsum("tf,tf->t", magnitude, magnitude))
    return energy
