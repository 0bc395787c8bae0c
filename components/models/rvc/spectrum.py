"""The linear spectrum that the posterior encoder hears, one frame a hop."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.features.mel import window
from components.models.rvc.params import Architecture

_SMALLEST_POWER = 1e-6
"""As upstream; the root of 0 has no gradient."""


class LinearSpectrum(nn.Module):
    """Magnitudes of frames in the middle of hops: frame t covers what the decoder makes of it.

    Differs from `components.features.mel` in that, and from upstream in the padding, which is silence and no
    reflection: a slice hears the same in a batch of longer ones.
    """

    window: Tensor

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self._hop, self._n_fft = architecture.hop_length, architecture.n_fft
        hann = torch.tensor(window(architecture.win_length, architecture.n_fft))
        self.register_buffer("window", hann, persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """[B, T · hop] → [B, n_fft // 2 + 1, T] in single precision."""
        left = (self._n_fft - self._hop) // 2
        padded = F.pad(samples.float(), (left, self._n_fft - self._hop - left))
        spectrum = torch.fft.rfft(padded.unfold(1, self._n_fft, self._hop) * self.window)
        power = torch.view_as_real(spectrum).square().sum(dim=-1)
        return (power + _SMALLEST_POWER).sqrt().transpose(1, 2)
