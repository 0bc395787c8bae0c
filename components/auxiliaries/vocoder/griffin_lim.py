"""Mel to waveform without a network: magnitudes by least squares, then a phase that fits them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from components.features.mel import MelAnalysis, filterbank, window

_PHASE_SEED = 0
"""Any seed: the phase that Griffin-Lim starts from is random, and the same mel must give the same audio."""
_SMALLEST = 1e-12
"""Keeps divisions by an amplitude of exactly zero finite."""


class GriffinLim:
    """Fast Griffin-Lim (Perraudin, Balazs and Søndergaard 2013, algorithm 2) on the house's mel.

    c_n = P1(P2(t_{n-1})), t_n = c_n + α (c_n - c_{n-1}): P2 goes to a signal and back (a consistent
    spectrogram), P1 restores the known magnitudes; α = 0 is Griffin and Lim's own algorithm (1984).

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
        self._window = torch.tensor(window(analysis.win_length, analysis.n_fft), device=device)
        bank = torch.tensor(filterbank(analysis), dtype=torch.float64)
        self._inverse = torch.linalg.pinv(bank).float().t().to(device)  # [n_mels, n_fft // 2 + 1]

    def magnitudes(self, log_mel: Tensor) -> Tensor:
        """[T, n_mels] natural log → [T, n_fft // 2 + 1] ≥ 0."""
        magnitudes: Tensor = (log_mel.exp() @ self._inverse).clamp(min=0.0)
        return magnitudes

    @torch.inference_mode()
    def __call__(self, log_mel: Tensor) -> Tensor:
        """Waveform of a mel.

        Args:
            log_mel: [T, n_mels], T ≥ 1.

        Returns:
            [(T - 1) · hop_length] samples, not limited to [-1, 1]; none for a single frame.
        """
        magnitude = self.magnitudes(log_mel)
        overlap = self._overlap_add((self._window**2).expand(len(magnitude), -1)).clamp(min=_SMALLEST)
        generator = torch.Generator().manual_seed(_PHASE_SEED)
        angle = torch.rand(magnitude.shape, generator=generator).to(magnitude) * (2.0 * torch.pi)
        previous = estimate = torch.polar(magnitude, angle)
        for _ in range(self.iterations):
            projected = _with_magnitude(self._spectrum(self._signal(estimate, overlap)), magnitude)
            estimate = torch.lerp(previous, projected, 1.0 + self.momentum)
            previous = projected
        half = self.analysis.n_fft // 2
        signal = self._signal(previous, overlap)[half:]
        return signal[: (len(magnitude) - 1) * self.analysis.hop_length]

    def _spectrum(self, signal: Tensor) -> Tensor:
        """[(T - 1) · hop + n_fft] → [T, n_fft // 2 + 1] complex."""
        frames = signal.unfold(0, self.analysis.n_fft, self.analysis.hop_length)
        spectrum: Tensor = torch.fft.rfft(frames * self._window)
        return spectrum

    def _signal(self, spectrum: Tensor, overlap: Tensor) -> Tensor:
        """The least-squares signal of a spectrogram: [T, n_fft // 2 + 1] → [(T - 1) · hop + n_fft]."""
        frames = torch.fft.irfft(spectrum, n=self.analysis.n_fft) * self._window
        return self._overlap_add(frames) / overlap

    def _overlap_add(self, frames: Tensor) -> Tensor:
        """[T, n_fft] → [(T - 1) · hop + n_fft], in as many additions as windows overlap."""
        count, n_fft, hop = len(frames), self.analysis.n_fft, self.analysis.hop_length
        slices = -(-n_fft // hop)
        parts = F.pad(frames, (0, slices * hop - n_fft)).view(count, slices, hop)
        summed = frames.new_zeros(count + slices - 1, hop)
        for place in range(slices):
            summed[place : place + count] += parts[:, place]
        return summed.flatten()[: (count - 1) * hop + n_fft]


def _with_magnitude(spectrum: Tensor, magnitude: Tensor) -> Tensor:
    """The phase of ``spectrum`` on ``magnitude``, [T, F] each."""
    parts = torch.view_as_real(spectrum)
    scale = magnitude * parts.square().sum(dim=-1).clamp(min=_SMALLEST).rsqrt()
    return torch.view_as_complex(parts * scale.unsqueeze(-1))
