"""Training sees a few symbols as unknown, so that it leans on context and survives a gap in the inventory."""

from __future__ import annotations

import torch
from torch import Tensor


def drop_phonemes(ids: Tensor, rate: float, droppable: Tensor, unknown: int) -> Tensor:
    """Replace symbols by the unknown symbol.

    Never padding (lengths are read from it) and never silence or a pause (they carry the phrasing): they are
    not in ``droppable``. Durations, pitch and energy stay those of the true symbols.

    Args:
        ids: [B, L].
        rate: share of the droppable symbols that is replaced, in expectation.
        droppable: [V] bool, which symbols may be replaced.
        unknown: id of the unknown symbol.

    Returns:
        [B, L].
    """
    drawn = torch.rand(ids.shape, device=ids.device) < rate
    return ids.masked_fill(drawn & droppable[ids], unknown)
