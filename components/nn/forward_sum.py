"""How likely the symbols are under all monotonic alignments together."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def forward_sum_loss(log_probs: Tensor, symbols: Tensor, frames: Tensor, blank_log_prob: float) -> Tensor:
    """Negative log of the sum over all alignments (Badlani et al. 2021, section 2.2), as a CTC loss.

    The "classes" of a row are its symbol places 1 … L, each to be visited in order, and a blank of constant
    score; scores are normalised over them. As in NVIDIA's version 1.1, each row's loss is divided by its
    symbols. Differs in that nothing infinite is zeroed: rows with more symbols than frames are refused
    before.

    Args:
        log_probs: [B, T, L]; masked places hold a large negative number.
        symbols, frames: [B], symbols ≤ frames in each row.
        blank_log_prob: score of the blank, before normalisation.

    Returns:
        scalar, mean over the batch.
    """
    scores = F.pad(log_probs.float(), (1, 0), value=blank_log_prob).log_softmax(dim=-1)
    places = torch.arange(1, log_probs.shape[2] + 1, device=log_probs.device).expand(len(symbols), -1)
    losses = F.ctc_loss(scores.transpose(0, 1), places, frames, symbols, blank=0, reduction="none")
    return (losses / symbols).mean()
