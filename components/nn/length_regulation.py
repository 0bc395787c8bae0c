"""From one vector a symbol to one vector a frame, and back to one value a symbol."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def repeat_by_duration(x: Tensor, durations: Tensor) -> Tensor:
    """Repeat every symbol's vector for as many frames as it lasts (FastSpeech, Ren et al. 2019, section 3.2).

    Args:
        x: [B, L, C].
        durations: [B, L] whole frames ≥ 0, zero at padding.

    Returns:
        [B, T, C] with T the longest sum of durations; zeros beyond a row's own sum.
    """
    ends = durations.cumsum(dim=1)
    totals = ends[:, -1]
    frames = torch.arange(int(totals.max()), device=x.device).expand(x.shape[0], -1).contiguous()
    owner = torch.searchsorted(ends, frames, right=True).clamp(max=x.shape[1] - 1)
    repeated = x.gather(1, owner.unsqueeze(-1).expand(-1, -1, x.shape[2]))
    within = (frames < totals.unsqueeze(1)).unsqueeze(-1)
    return repeated * within.to(x.dtype)


def average_by_duration(values: Tensor, durations: Tensor, counted: Tensor) -> Tensor:
    """Mean of frame values over each symbol's frames (FastPitch, Łańcucki 2021, section 2.1).

    Args:
        values: [B, T].
        durations: [B, L] whole frames ≥ 0, each row summing to at most T.
        counted: [B, T] bool, frames that count: the voiced ones for pitch, the real ones for energy.

    Returns:
        [B, L], 0 where a symbol has no frame that counts.
    """
    ends = durations.cumsum(dim=1)
    edges = F.pad(ends, (1, 0))
    weights = counted.double()  # sums over a long row would lose bits in single precision
    totals = F.pad((values.double() * weights).cumsum(dim=1), (1, 0)).gather(1, edges).diff(dim=1)
    counts = F.pad(weights.cumsum(dim=1), (1, 0)).gather(1, edges).diff(dim=1)
    return (totals / counts.clamp(min=1)).to(values.dtype)


PLACES = 4
"""Numbers that tell where in its symbol a frame lies; see `place_within`."""


def place_within(durations: Tensor) -> Tensor:
    """Where in its symbol a frame lies, as statistical synthesis tells it (Zen, Tokuda and Black 2009, 2.3).

    With p in (0, 1) the share of the symbol that is over at the frame's middle: cos(πp), cos(2πp), cos(3πp)
    and log(1 + the symbol's frames). Smooth in p, and the same for a symbol said fast or slowly but for the
    last number.

    Args:
        durations: [B, L] whole frames ≥ 0, zero at padding.

    Returns:
        [B, T, PLACES] with T the longest sum of durations; zeros beyond a row's own sum.
    """
    ends = durations.cumsum(dim=1)
    totals = ends[:, -1]
    frames = (
        torch.arange(int(totals.max()), device=durations.device).expand(durations.shape[0], -1).contiguous()
    )
    owner = torch.searchsorted(ends, frames, right=True).clamp(max=durations.shape[1] - 1)
    lasting = durations.gather(1, owner).clamp(min=1).float()
    begun = (ends - durations).gather(1, owner)
    share = (frames - begun + 0.5) / lasting
    waves = [torch.cos(math.pi * turns * share) for turns in range(1, PLACES)]
    within = (frames < totals.unsqueeze(1)).unsqueeze(-1)
    return torch.stack([*waves, lasting.log1p()], dim=-1) * within
