"""Absolute sinusoidal positions (Vaswani et al. 2017, section 3.5)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_LONGEST_WAVELENGTH = 10_000.0
"""The paper's constant, in units of 2π positions."""


def sinusoidal_positions(length: int, channels: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Sines in the first half of the channels, cosines in the second.

    The paper interleaves them; a linear layer cannot tell the two orders apart. Computed when needed and not
    stored as a table, so no sequence is ever too long for it.

    Args:
        length: T positions, counted from 0.
        channels: C, even.

    Returns:
        [T, C].

    Raises:
        ValueError: C is odd.
    """
    if channels % 2:
        raise ValueError(f"sinusoidal positions need an even number of channels, not {channels}")
    exponents = torch.arange(0, channels, 2, device=device, dtype=torch.float32) / channels
    frequencies = torch.exp(-math.log(_LONGEST_WAVELENGTH) * exponents)
    angles = torch.arange(length, device=device, dtype=torch.float32).unsqueeze(1) * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1).to(dtype)
