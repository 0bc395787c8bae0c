"""The source of the decoder: pulses at f0 and noise, both with a mean power of about 1."""

from __future__ import annotations

import torch
from torch import Tensor

_NOISE_SEED = 0
"""Any: the same codes must give the same audio."""
_NOISE_SAMPLES = 1 << 17
"""The noise repeats after five seconds at 24 kHz, long past anything that is heard as a repetition."""


def pulses(f0: Tensor, hop: int, sample_rate: int) -> Tensor:
    """A pulse train whose phase is the integral of f0; a pulse between two samples is shared between them.

    Args:
        f0: [B, T] Hz at samples 0, hop, 2 · hop …, never 0; linear in between, the last one held.
        hop: samples.
        sample_rate: Hz.

    Returns:
        [B, T · hop].
    """
    following = torch.cat([f0[:, 1:], f0[:, -1:]], dim=1)
    ramp = torch.arange(hop, device=f0.device, dtype=torch.float64) / hop
    frequency = f0.double().unsqueeze(2) + (following - f0).double().unsqueeze(2) * ramp
    step = frequency.flatten(1) / sample_rate
    phase = step.cumsum(dim=1)
    whole = phase.floor()
    fired = torch.diff(whole, dim=1, prepend=torch.zeros_like(whole[:, :1])) > 0
    late = (phase - whole) / step  # samples between the pulse and the sample after it
    height = torch.where(fired, step.rsqrt(), 0.0)
    made = height * (1.0 - late)
    made[:, :-1] += (height * late)[:, 1:]
    return made.float()


def noise(start: int, samples: int, device: torch.device) -> Tensor:
    """[samples] of white noise of variance 1, the same at the same place of every utterance."""
    generator = torch.Generator().manual_seed(_NOISE_SEED)
    whole = torch.randn(_NOISE_SAMPLES, generator=generator)
    places = torch.arange(start, start + samples) % _NOISE_SAMPLES
    return whole[places].to(device)
