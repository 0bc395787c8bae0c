"""From one vector a symbol to one vector a frame."""

from __future__ import annotations

import torch
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
