"""A content encoder without weights: band energies of each 25 ms, hence local."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

WINDOW, STRIDE = 400, 320


class LocalContent:
    """A `components.nn.conversion.ContentEncoder`; deterministic, and the same for any surroundings."""

    device = torch.device("cpu")

    def __init__(self, dim: int = 24, sha256: str = "e" * 64, label: str = "stand-in") -> None:
        self.dim, self.sha256, self.label = dim, sha256, label
        self.longest = 0

    def features(self, samples: NDArray[np.float32]) -> Tensor:
        self.longest = max(self.longest, len(samples))
        frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::STRIDE]
        power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), axis=1)) ** 2
        bands = np.add.reduceat(power, np.linspace(1, power.shape[1] - 1, self.dim, dtype=int), axis=1)
        return torch.from_numpy(np.log(bands + 1e-3).astype(np.float32) / 4)
