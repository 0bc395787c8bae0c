"""Which positions of a padded batch are real."""

from __future__ import annotations

import torch
from torch import Tensor


def valid_positions(lengths: Tensor, longest: int) -> Tensor:
    """True where a position lies within its sequence.

    Args:
        lengths: [B] integers.
        longest: T, the padded length.

    Returns:
        [B, T] bool.
    """
    return torch.arange(longest, device=lengths.device).unsqueeze(0) < lengths.unsqueeze(1)


def masked_mean(values: Tensor, valid: Tensor) -> Tensor:
    """Mean over real positions; padding neither adds nor divides.

    Args:
        values: [B, T] or [B, T, C].
        valid: [B, T] bool, at least one True.

    Returns:
        scalar.
    """
    weights = valid.to(values.dtype)
    if values.dim() == 3:
        weights = weights.unsqueeze(-1).expand_as(values)
    return (values * weights).sum() / weights.sum()
