"""Keeps samples within full scale, one sample at a time."""

from __future__ import annotations

import torch
from torch import Tensor


def limited(samples: Tensor, knee: float, limit: float) -> Tensor:
    """Samples within ±``limit``: as they are up to ``knee``, above it ever less of the excess (tanh).

    It looks at one sample at a time, so a stream and a whole utterance come out alike; turning the whole
    utterance down would need its loudest sample first.

    Args:
        knee, limit: of full scale, 0 ≤ knee < limit.
    """
    room = limit - knee
    excess = (samples.abs() - knee).clamp(min=0.0)
    loud = samples.sign() * (knee + room * torch.tanh(excess / room))
    return torch.where(excess > 0, loud, samples)
