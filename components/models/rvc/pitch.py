"""f0 as the network takes it: a coarse step for the prior, a tone for the synthesiser."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

_MEL_SLOPE, _MEL_KNEE_HZ = 1127.0, 700.0
_SINE_AMPLITUDE, _VOICED_NOISE = 0.1, 0.003
_UNVOICED_NOISE = _SINE_AMPLITUDE / 3
"""As in Wang, Takaki and Yamagishi 2019 (neural source-filter models), section III-A."""


def coarse_pitch(f0: Tensor, floor: float, ceil: float, bins: int) -> Tensor:
    """Step of each frame, even on the mel scale 1127 ln(1 + f/700).

    Differs from upstream: an unvoiced frame has the step 0 of its own. There unvoiced stretches are bridged
    before, which needs the next voiced frame, however far it is: no chunk of a stream could know it.

    Args:
        f0: [...] Hz, 0 where unvoiced.
        floor, ceil: Hz, the steps 1 and ``bins - 1``; f0 beyond them is held there.
        bins: steps.

    Returns:
        [...] int64 in [0, bins).
    """
    low, high = (_MEL_SLOPE * math.log1p(hertz / _MEL_KNEE_HZ) for hertz in (floor, ceil))
    mel = _MEL_SLOPE * torch.log1p(f0.float() / _MEL_KNEE_HZ)
    steps = 1 + ((mel - low) / (high - low) * (bins - 2)).round().clamp(0, bins - 2)
    return torch.where(f0 > 0, steps, torch.zeros_like(steps)).long()


def step_frequencies(floor: float, ceil: float, bins: int) -> NDArray[np.float64]:
    """[bins] Hz in the middle of each of `coarse_pitch`'s steps, 0 for the unvoiced one."""
    low, high = (_MEL_SLOPE * math.log1p(hertz / _MEL_KNEE_HZ) for hertz in (floor, ceil))
    mel = np.linspace(low, high, bins - 1)
    return np.concatenate([[0.0], _MEL_KNEE_HZ * np.expm1(mel / _MEL_SLOPE)])


def phase_after(f0: Tensor, start: Tensor, hop_s: float) -> Tensor:
    """Phase at the beginning of each frame and after the last one: f0 [B, T], start [B] → [B, T + 1].

    In cycles within [0, 1), float64: after an hour a float32 would know the phase to a quarter of a cycle.
    """
    steps = f0.double() * hop_s
    ends = start.double()[:, None] + F.pad(steps.cumsum(1), (1, 0))
    return ends.remainder(1.0)


def excitation(f0: Tensor, start: Tensor, noise: Tensor, sample_rate: int) -> Tensor:
    """A sine at f0 in voiced frames, noise elsewhere; the fundamental alone (harmonic_num 0).

    The frequency is held within a frame and the phase runs on between frames, also through unvoiced ones, so
    any stretch can be made on its own from the phase at its beginning.

    Args:
        f0: [B, T] Hz, 0 where unvoiced.
        start: [B] cycles at the first sample.
        noise: [B, T · hop] of variance 1; its length decides the hop.
        sample_rate: Hz.

    Returns:
        [B, T · hop].
    """
    hop = noise.shape[1] // f0.shape[1]
    begins = phase_after(f0, start, hop / sample_rate)[:, :-1, None]
    within = torch.arange(hop, device=f0.device, dtype=torch.float64) / sample_rate
    phase = (begins + f0.double()[:, :, None] * within).remainder(1.0).flatten(1)
    voiced = (f0 > 0).repeat_interleave(hop, dim=1)
    sine = _SINE_AMPLITUDE * torch.sin(2.0 * math.pi * phase.float())
    return torch.where(voiced, sine + _VOICED_NOISE * noise, _UNVOICED_NOISE * noise)
