"""What FastPitch minimises."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from components.models.fastpitch.aligner import AlignmentLosses
from components.models.fastpitch.params import Training
from components.models.fastpitch.prediction import Prediction, Targets
from components.nn.contracts import Batch
from components.nn.masks import masked_mean


def fastpitch_losses(
    predicted: Prediction, targets: Targets, spoken: Tensor, sounding: Tensor, recipe: Training
) -> Mapping[str, Tensor]:
    """Mel error plus weighted duration, pitch and energy errors (FastPitch, section 2.2), and the source's.

    Mean squares over real frames and symbols; durations as log(1 + d), as NVIDIA's version 1.1 has it. Not in
    the paper: the mean square of the f0 contour over voiced frames and the cross entropy of voicing.

    Args:
        spoken: [B, L] bool, the real symbols.
        sounding: [B, T] bool, the real frames.

    Returns:
        ``total`` and its parts; ``mel_l1`` (log amplitude) and ``duration_frames`` (mean absolute error in
        frames) are for people and carry no gradient.
    """
    mel, duration, pitch, energy = predicted.mel, predicted.log_durations, predicted.pitch, predicted.energy
    log_durations = targets.durations.to(targets.mel.dtype).log1p()
    voicing = F.binary_cross_entropy_with_logits(
        predicted.voicing, targets.voiced.to(predicted.voicing.dtype), reduction="none"
    )
    parts = {
        "mel": masked_mean((mel - targets.mel).square(), sounding),
        "duration": masked_mean((duration - log_durations).square(), spoken),
        "pitch": masked_mean((pitch - targets.pitch).square(), spoken),
        "energy": masked_mean((energy - targets.energy).square(), spoken),
        "contour": masked_mean((predicted.contour - targets.contour).square(), targets.voiced),
        "voicing": masked_mean(voicing, sounding),
    }
    total = (
        parts["mel"]
        + recipe.duration_loss_weight * parts["duration"]
        + recipe.pitch_loss_weight * parts["pitch"]
        + recipe.energy_loss_weight * parts["energy"]
        + recipe.contour_loss_weight * parts["contour"]
        + recipe.voicing_loss_weight * parts["voicing"]
    )
    heard = {
        "mel_l1": masked_mean((mel - targets.mel).abs(), sounding).detach(),
        "duration_frames": masked_mean((duration.float().expm1() - targets.durations).abs(), spoken).detach(),
    }
    return {"total": total, **parts, **heard}


def alignment_losses(found: AlignmentLosses, step: int, recipe: Training) -> dict[str, Tensor]:
    """The aligner's losses, and ``weighted``: what they add to the total at an optimiser step.

    The binarisation loss would nail down whatever path comes first, so its weight rises from 0 over
    ``aligner_binarisation_warmup_steps``, counted from ``aligner_binarisation_start_step``.
    """
    since, ramp = step - recipe.aligner_binarisation_start_step, recipe.aligner_binarisation_warmup_steps
    share = 0.0 if since < 0 else 1.0 if since >= ramp else since / ramp
    weighted = (
        recipe.aligner_loss_weight * found.forward_sum
        + recipe.aligner_fit_weight * found.fit
        + recipe.aligner_binarisation_weight * share * found.binarisation
    )
    return {
        "weighted": weighted,
        "forward_sum": found.forward_sum,
        "binarisation": found.binarisation,
        "alignment_fit": found.fit,
    }


@torch.no_grad()
def alignment_error(durations: Tensor, batch: Batch, spoken: Tensor, frame_ms: float) -> dict[str, Tensor]:
    """How far learned durations are from the true ones, over the rows whose true ones are known.

    Returns:
        ``alignment_mae_ms``: mean absolute error of a symbol's duration; ``alignment_boundary_ms``: that of
        the time at which it ends, the last one's apart, which is the recording's. Empty where nothing is
        known.
    """
    true = batch["true_durations"]
    known = (true >= 0).all(dim=1)
    if not known.any():
        return {}
    true, learned, real = true[known], durations[known], spoken[known]
    inner = real & F.pad(real[:, 1:], (0, 1))
    error = (learned - true).abs().float()
    boundary = (learned.cumsum(dim=1) - true.cumsum(dim=1)).abs().float()
    found = {"alignment_mae_ms": frame_ms * masked_mean(error, real)}
    if inner.any():
        found["alignment_boundary_ms"] = frame_ms * masked_mean(boundary, inner)
    return found
