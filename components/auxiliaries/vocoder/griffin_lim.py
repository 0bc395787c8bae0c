"""Mel to waveform without a network: magnitudes by least squares, then a phase that fits them."""

from __future__ import annotations

import torch
from torch import Tensor

from components.features.mel import MelAnalysis, filterbank, window

_PHASE_SEED = 0
"""Any seed: the phase that Griffin-Lim starts from is random, and the same text must give the same audio."""
_SMALLEST = 1e-9
"""Keeps a division by a magnitude of exactly zero finite."""


class GriffinLim:
    """Fast Griffin-Lim (Perraudin, Balazs and Søndergaard 2013, algorithm 2) on the house's mel.

    c_n = P1(P2(t_{n-1})), t_n = c_n + α (c_n - c_{n-1}): P2 goes to a signal and back (a consistent
    spectrogram), P1 restores the known magnitudes; α = 0 is Griffin and Lim's own algorithm (1984).

    Magnitudes come from the mel by least squares: the filterbank's pseudo-inverse, negative bins set to zero.
    Above ``fmax`` the filterbank sees nothing and the signal stays silent there.

    Args:
        analysis: the mel's definition; frames, window and filterbank are those of `components.features.mel`.
        iterations: more is clearer and slower, in proportion.
        momentum: α in [0, 1).
        device: where it computes.
    """

    def __init__(self, analysis: MelAnalysis, iterations: int, momentum: float, device: torch.device) -> None:
        self.analysis, self.iterations, self.momentum = analysis, iterations, momentum
        self._window = torch.tensor(window(analysis.win_length, analysis.n_fft), device=device)
        bank = torch.tensor(filterbank(analysis), dtype=torch.float64)
        self._inverse = torch.linalg.pinv(bank).float().to(device)  # [n_fft // 2 + 1, n_mels]

    def magnitudes(self, log_mel: Tensor) -> Tensor:
        """[T, n_mels] natural log → [n_fft // 2 + 1, T] ≥ 0."""
        magnitudes: Tensor = (self._inverse @ log_mel.exp().t()).clamp(min=0.0)
        return magnitudes

    @torch.inference_mode()
    def __call__(self, log_mel: Tensor) -> Tensor:
        """Waveform of a mel.

        Args:
            log_mel: [T, n_mels], T ≥ 1.

        Returns:
            [(T - 1) · hop_length] samples, not limited to [-1, 1]; silence for a single frame.
        """
        frames = log_mel.shape[0]
        samples = (frames - 1) * self.analysis.hop_length
        # Reflection needs more samples than half a window: lengthen, and cut the surplus at the end.
        least = self.analysis.n_fft // self.analysis.hop_length + 2
        if frames < least:
            log_mel = torch.cat([log_mel, log_mel[-1:].expand(least - frames, -1)])
        magnitude = self.magnitudes(log_mel)
        generator = torch.Generator().manual_seed(_PHASE_SEED)
        angle = torch.rand(magnitude.shape, generator=generator).to(magnitude) * (2.0 * torch.pi)
        estimate = torch.polar(magnitude, angle)
        previous = estimate
        for _ in range(self.iterations):
            consistent = self._stft(self._istft(estimate))
            projected = consistent * (magnitude / consistent.abs().clamp(min=_SMALLEST))
            estimate = projected + self.momentum * (projected - previous)
            previous = projected
        return self._istft(previous)[:samples]

    def _stft(self, signal: Tensor) -> Tensor:
        """[N] → [n_fft // 2 + 1, T] complex."""
        a = self.analysis
        spectrum: Tensor = torch.stft(
            signal, a.n_fft, a.hop_length, a.n_fft, self._window, center=True, return_complex=True
        )
        return spectrum

    def _istft(self, spectrum: Tensor) -> Tensor:
        """[n_fft // 2 + 1, T] complex → [(T - 1) · hop_length]."""
        a = self.analysis
        signal: Tensor = torch.istft(spectrum, a.n_fft, a.hop_length, a.n_fft, self._window, center=True)
        return signal
