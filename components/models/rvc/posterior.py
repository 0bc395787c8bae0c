"""What recordings are encoded to while RVC learns, and how far that is from the prior."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from components.models.rvc.network import RvcGenerator
from components.models.rvc.noise import noise_at
from components.nn.contracts import Batch
from components.nn.masks import valid_positions

_VALIDATION_SEED = 3


@dataclass(frozen=True)
class Encoded:
    """[B, C, T] each, and the speakers' vectors [B, S]; valid [B, T]."""

    z: Tensor
    log_deviation: Tensor
    valid: Tensor
    condition: Tensor


def encoded(generator: RvcGenerator, spectrum: Tensor, batch: Batch) -> Encoded:
    """Draw latent vectors of recordings from the posterior.

    Args:
        spectrum: [B, F, T] of `spectrum.LinearSpectrum`.
        batch: see `dataset.collate`.
    """
    condition = generator.speakers(batch["speakers"])
    valid = valid_positions(batch["frames"], batch["f0"].shape[1])
    mean, log_deviation = generator.posterior(spectrum, valid, condition)
    # At the posterior's mean the estimate of the divergence would be far too low.
    noise = torch.randn_like(mean) if generator.training else known_noise(mean)
    z = (mean + noise * log_deviation.exp()) * valid.unsqueeze(1)
    return Encoded(z, log_deviation, valid, condition)


def divergence(generator: RvcGenerator, found: Encoded, prior: tuple[Tensor, Tensor]) -> Tensor:
    """KL divergence of posterior and prior (mean and log deviation) at the drawn z (VITS, equation 3)."""
    moved = generator.flow(found.z, found.valid, found.condition)
    return kl_divergence(moved, found.log_deviation, *prior, found.valid)


def known_noise(like: Tensor) -> Tensor:
    """Normal noise of that shape, the same each time."""
    return noise_at(0, like.numel(), _VALIDATION_SEED).view(like.shape).to(like)


def kl_divergence(z: Tensor, log_q: Tensor, mean_p: Tensor, log_p: Tensor, valid: Tensor) -> Tensor:
    """Of the posterior that z was drawn from and a normal prior, estimated at z.

    Args:
        z: [B, C, T] in the prior's space.
        log_q, log_p: log deviations.
        mean_p: of the prior.
        valid: [B, T] bool.

    Returns:
        scalar: summed over channels, mean over valid frames.
    """
    z, log_q, mean_p, log_p = (value.float() for value in (z, log_q, mean_p, log_p))
    divergence = log_p - log_q - 0.5 + 0.5 * (z - mean_p).square() * torch.exp(-2.0 * log_p)
    return (divergence * valid.unsqueeze(1)).sum() / valid.sum()
