"""From filters and a pitch to samples: a source, its short-time spectrum, gains, overlap-add."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.auxiliaries.codec.excitation import noise, pulses
from components.auxiliaries.codec.params import Architecture
from components.features.mel import MelAnalysis, band_centres, window

_SMALLEST = 1e-6
"""Overlap of the windows that nothing is divided by."""


@dataclass(frozen=True)
class Filters:
    """What the decoder says of each frame of the analysis.

    Attributes:
        tone, noise: [B, T, n_mels] log gains of pulses and noise, at the mel's band centres.
        log_f0: [B, T] ln Hz.
        voicing: [B, T] logits.
    """

    tone: Tensor
    noise: Tensor
    log_f0: Tensor
    voicing: Tensor


class SourceFilter(nn.Module):
    """Harmonic plus noise synthesis by short-time gains (Engel et al. 2020, DDSP, section 3, in spirit).

    Differs: pulses instead of a bank of sinusoids, gains per mel band (linear in log gain between their
    centres) instead of per harmonic, zero phase. Gradients reach the gains; f0 and voicing are told, in
    training the recording's own.

    Args:
        architecture: analysis and rates.
    """

    bands: Tensor
    window: Tensor
    audible: Tensor

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self._hop, self._rate, self.n_fft = (
            architecture.hop_length,
            architecture.sample_rate_hz,
            architecture.n_fft,
        )
        analysis = MelAnalysis.of(architecture, 1.0)
        self.register_buffer("bands", torch.tensor(_interpolation(analysis)), persistent=False)
        hann = window(analysis.win_length, analysis.n_fft)
        self.register_buffer("window", torch.tensor(hann), persistent=False)
        bins = np.arange(analysis.n_fft // 2 + 1) * (analysis.sample_rate / analysis.n_fft)
        audible = (bins <= analysis.fmax).astype(np.float32)
        self.register_buffer("audible", torch.tensor(audible), persistent=False)
        self._slices = -(-self.n_fft // self._hop)

    @property
    def reach(self) -> int:
        """Frames of the analysis after a frame that its samples depend on."""
        return self._slices

    def forward(self, filters: Filters, f0: Tensor, voiced: Tensor) -> Tensor:
        """Samples, from the first frame's middle on.

        Args:
            filters: of T frames.
            f0: [B, T] Hz, positive throughout.
            voiced: [B, T] bool.

        Returns:
            [B, T · hop].
        """
        samples = f0.shape[1] * self._hop
        tone = self._spectrum(pulses(f0, self._hop, self._rate))
        breath = self._spectrum(noise(0, samples, f0.device).expand(len(f0), -1))
        keep = voiced.unsqueeze(-1).to(filters.tone.dtype)
        gain = (filters.tone @ self.bands).exp() * keep * self.audible
        return self._signal(tone * gain + breath * (filters.noise @ self.bands).exp() * self.audible)

    def _spectrum(self, signal: Tensor) -> Tensor:
        """[B, T · hop] → [B, T, n_fft // 2 + 1] complex, frame t centred on t · hop."""
        half = self.n_fft // 2
        padded = F.pad(signal, (half, half))
        frames = padded.unfold(1, self.n_fft, self._hop)[:, : signal.shape[1] // self._hop]
        spectrum: Tensor = torch.fft.rfft(frames * self.window)
        return spectrum

    def _signal(self, spectrum: Tensor) -> Tensor:
        """The least-squares signal [B, T · hop] of a spectrogram [B, T, n_fft // 2 + 1]."""
        frames = torch.fft.irfft(spectrum, n=self.n_fft) * self.window
        overlap = self._added_up(self.window.square().expand(1, frames.shape[1], -1))
        half, samples = self.n_fft // 2, frames.shape[1] * self._hop
        whole = self._added_up(frames) / overlap.clamp(min=_SMALLEST)
        return whole[:, half : half + samples]

    def _added_up(self, frames: Tensor) -> Tensor:
        """[B, T, n_fft] → [B, n_fft + T · hop], in as many additions as windows overlap."""
        batch, count, _ = frames.shape
        parts = F.pad(frames, (0, self._slices * self._hop - self.n_fft))
        parts = parts.view(batch, count, self._slices, self._hop)
        summed = sum(
            F.pad(parts[:, :, place], (0, 0, place, self._slices - place)) for place in range(self._slices)
        )
        assert isinstance(summed, Tensor)  # noqa: S101 - for the type checker; there is at least one slice
        return F.pad(summed.flatten(1), (0, self.n_fft))[:, : self.n_fft + count * self._hop]


def _interpolation(analysis: MelAnalysis) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """[n_mels, n_fft // 2 + 1]: values at the band centres → values at the bins, linear, ends held."""
    centres = band_centres(analysis)
    bins = np.arange(analysis.n_fft // 2 + 1) * (analysis.sample_rate / analysis.n_fft)
    rows = [np.interp(bins, centres, row) for row in np.eye(len(centres))]
    return np.stack(rows).astype(np.float32)
