"""What is known of an alignment before anything is heard: it runs along the diagonal."""

from __future__ import annotations

import torch
from torch import Tensor


def beta_binomial_log_prior(symbols: Tensor, frames: Tensor, shape: tuple[int, int], scale: float) -> Tensor:
    """Log beta-binomial prior (One TTS Alignment To Rule Them All, Badlani et al. 2021, section 2.4).

    At frame t = 1 … T of a row, symbol k = 0 … L - 1 has the probability of k successes in L - 1 draws with
    α = ω t and β = ω (T + 1 - t): a ridge along the diagonal, narrow at both ends. NVIDIA's version 1.1 takes
    L draws and leaves the last outcome out; here the L symbols are all outcomes, so each frame sums to 1.

    Args:
        symbols: [B] L of each row.
        frames: [B] T of each row.
        shape: T and L of the padded batch.
        scale: ω; larger is narrower.

    Returns:
        [B, T, L]; finite and meaningless beyond a row's own.
    """
    draws = (symbols - 1).view(-1, 1, 1).float()
    total = frames.view(-1, 1, 1).float()
    steps = torch.arange(1, shape[0] + 1, device=frames.device).view(1, -1, 1).float()
    places = torch.arange(shape[1], device=symbols.device).view(1, 1, -1).float()
    alpha, beta = scale * steps, scale * (total + 1 - steps).clamp(min=1)
    missing = (draws - places).clamp(min=0)
    ways = torch.lgamma(draws + 1) - torch.lgamma(places + 1) - torch.lgamma(missing + 1)
    shaped = torch.lgamma(places + alpha) + torch.lgamma(missing + beta) - torch.lgamma(draws + alpha + beta)
    norm = torch.lgamma(alpha) + torch.lgamma(beta) - torch.lgamma(alpha + beta)
    return ways + shaped - norm
