"""Mel to waveform without a network: magnitudes by least squares, then a phase that fits them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from components.auxiliaries.vocoder.contract import checked
from components.auxiliaries.vocoder.short_time import ShortTime
from components.features.mel import MelAnalysis, filterbank

_PHASE_SEED = 0
"""Any seed: the phase that Griffin-Lim starts from is random, and the same mel must give the same audio."""


class GriffinLim:
    """Fast Griffin-Lim (`ShortTime.refine`) from a random phase. See `contract.Vocoder`; f0 is not used.

    Magnitudes come from the mel by least squares: the filterbank's pseudo-inverse, negative bins set to
    zero. Above ``fmax`` the filterbank sees nothing and the signal stays silent there. Frames and window are
    those of `components.features.mel`, except that the first and last half window hold sound instead of a
    reflection; it is cut off at the end.

    Args:
        analysis: the mel's definition.
        iterations: more is clearer and slower, in proportion.
        momentum: α in [0, 1).
        device: where it computes.
    """

    def __init__(self, analysis: MelAnalysis, iterations: int, momentum: float, device: torch.device) -> None:
        self.analysis, self.iterations, self.momentum = analysis, iterations, momentum
        self._device, self.weights_sha256 = device, ""
        self._short_time = ShortTime(analysis, device)
        bank = torch.tensor(filterbank(analysis), dtype=torch.float64)
        self._inverse = torch.linalg.pinv(bank).float().t().to(device)  # [n_mels, n_fft // 2 + 1]

    def magnitudes(self, log_mel: Tensor) -> Tensor:
        """[T, n_mels] natural log → [T, n_fft // 2 + 1] ≥ 0."""
        magnitudes: Tensor = (log_mel.exp() @ self._inverse).clamp(min=0.0)
        return magnitudes

    @torch.inference_mode()
    def __call__(self, log_mel: Tensor, f0: Tensor | None = None) -> Tensor:
        """Waveform of a mel; see `contract.Vocoder`."""
        magnitude = self.magnitudes(checked(log_mel, f0, self.analysis, self._device))
        generator = torch.Generator().manual_seed(_PHASE_SEED)
        angle = torch.rand(magnitude.shape, generator=generator).to(magnitude) * (2.0 * torch.pi)
        start = torch.polar(magnitude, angle)
        signal = self._short_time.refine(start, magnitude, self.iterations, self.momentum)
        half = self.analysis.n_fft // 2
        return signal[half : half + (len(magnitude) - 1) * self.analysis.hop_length]

    def stream(self, log_mel: Tensor, f0: Tensor | None = None) -> Iterator[Tensor]:
        """One chunk: its iterations reach too far for more."""
        checked(log_mel, f0, self.analysis, self._device)
        return iter([self(log_mel, f0)])
