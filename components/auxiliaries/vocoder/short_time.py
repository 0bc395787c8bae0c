"""Signal ↔ short-time spectrum on the mel's own frames and window, and Griffin-Lim's walk between the two."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from components.features.mel import MelAnalysis, window

_SMALLEST = 1e-12
"""Keeps divisions by an amplitude of exactly zero finite."""


class ShortTime:
    """The transform of `components.features.mel`, but frame 0 begins at sample 0 of what it is given.

    A signal of T frames has (T - 1) · hop + n_fft samples; its middle of (T - 1) · hop samples, from
    n_fft // 2 on, is what the mel's frames are centred on. Overlap-add by strided sums: 2.5 times as fast
    as ``torch.istft`` in a loop.

    Args:
        analysis: the mel's definition.
        device: where it computes.
    """

    def __init__(self, analysis: MelAnalysis, device: torch.device) -> None:
        self.hop, self.n_fft = analysis.hop_length, analysis.n_fft
        self.window = torch.tensor(window(analysis.win_length, analysis.n_fft), device=device)
        self.slices = -(-self.n_fft // self.hop)

    @property
    def reach(self) -> int:
        """Frames on either side that share samples with a frame."""
        return self.slices - 1

    def spectrum(self, signal: Tensor) -> Tensor:
        """[(T - 1) · hop + n_fft] → [T, n_fft // 2 + 1] complex."""
        spectrum: Tensor = torch.fft.rfft(signal.unfold(0, self.n_fft, self.hop) * self.window)
        return spectrum

    def overlap(self, frames: int) -> Tensor:
        """Sum of the squared windows, [(T - 1) · hop + n_fft], what `signal` divides by."""
        return self._overlap_add((self.window**2).expand(frames, -1)).clamp(min=_SMALLEST)

    def signal(self, spectrum: Tensor, overlap: Tensor) -> Tensor:
        """The least-squares signal of a spectrogram: [T, n_fft // 2 + 1] → [(T - 1) · hop + n_fft]."""
        return self._overlap_add(torch.fft.irfft(spectrum, n=self.n_fft) * self.window) / overlap

    def refine(self, start: Tensor, magnitude: Tensor, iterations: int, momentum: float) -> Tensor:
        """Fast Griffin-Lim (Perraudin, Balazs and Søndergaard 2013, algorithm 2) from a given spectrogram.

        c_n = P1(P2(t_{n-1})), t_n = c_n + α (c_n - c_{n-1}): P2 goes to a signal and back (a consistent
        spectrogram), P1 restores the known magnitudes; α = 0 is Griffin and Lim's own algorithm (1984).

        Args:
            start: t_0 = c_0, [T, n_fft // 2 + 1] complex, of that magnitude.
            magnitude: [T, n_fft // 2 + 1].
            iterations: each spreads what a frame depends on by `reach` frames.
            momentum: α in [0, 1).

        Returns:
            [(T - 1) · hop + n_fft] samples.
        """
        overlap = self.overlap(len(magnitude))
        previous = estimate = start
        for _ in range(iterations):
            projected = with_magnitude(self.spectrum(self.signal(estimate, overlap)), magnitude)
            estimate = torch.lerp(previous, projected, 1.0 + momentum)
            previous = projected
        return self.signal(previous, overlap)

    def _overlap_add(self, frames: Tensor) -> Tensor:
        """[T, n_fft] → [(T - 1) · hop + n_fft], in as many additions as windows overlap."""
        count = len(frames)
        parts = F.pad(frames, (0, self.slices * self.hop - self.n_fft)).view(count, self.slices, self.hop)
        summed = frames.new_zeros(count + self.slices - 1, self.hop)
        for place in range(self.slices):
            summed[place : place + count] += parts[:, place]
        return summed.flatten()[: (count - 1) * self.hop + self.n_fft]


def with_magnitude(spectrum: Tensor, magnitude: Tensor) -> Tensor:
    """The phase of ``spectrum`` on ``magnitude``, [T, F] each."""
    real, imaginary = spectrum.real, spectrum.imag  # twice as fast as squares over view_as_real, summed
    power = torch.addcmul(real * real, imaginary, imaginary)
    scale = power.clamp_(min=_SMALLEST).rsqrt_().mul_(magnitude)
    return torch.view_as_complex(torch.view_as_real(spectrum) * scale.unsqueeze(-1))
