"""A log-mel spectrogram that gradients pass through."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

_SMALLEST_POWER = 1e-9
"""The root of a power of exactly 0 has no gradient."""


class DifferentiableMel(nn.Module):
    """`components.features.mel` in torch, always in single precision.

    Args:
        window: [n_fft].
        bank: [n_mels, n_fft // 2 + 1].
        hop_length: samples.
        log_floor: smallest amplitude before the logarithm.
    """

    window: Tensor
    bank: Tensor

    def __init__(
        self, window: NDArray[np.float32], bank: NDArray[np.float32], hop_length: int, log_floor: float
    ) -> None:
        super().__init__()
        self._hop, self._n_fft, self._floor = hop_length, len(window), log_floor
        self.register_buffer("window", torch.tensor(window), persistent=False)
        self.register_buffer("bank", torch.tensor(bank).t().contiguous(), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """[B, N] → [B, 1 + N // hop, n_mels] natural log."""
        half = self._n_fft // 2
        with torch.autocast(samples.device.type, enabled=False):
            padded = F.pad(samples.float()[:, None], (half, half), mode="reflect")[:, 0]
            spectrum = torch.fft.rfft(padded.unfold(1, self._n_fft, self._hop) * self.window)
            power = torch.view_as_real(spectrum).square().sum(dim=-1)
            mel: Tensor = power.clamp(min=_SMALLEST_POWER).sqrt() @ self.bank
        return mel.clamp(min=self._floor).log()
