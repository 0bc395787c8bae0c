"""Connectionist temporal classification (Graves et al. 2006) for segments and, in Mandarin, for tones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from components.auxiliaries.recogniser.labels import BLANK


def recogniser_losses(
    segments: Tensor, tones: Tensor, lengths: Tensor, batch: Mapping[str, Any], tone_weight: float
) -> dict[str, Tensor]:
    """Negative log-likelihood per label, averaged over the clips of a batch.

    A clip with more labels than frames can hold has no path; it gives 0 and no gradient rather than infinity.
    Tones count only where a clip has any: the others' tone head learns nothing.

    Args:
        segments: [B, S, classes] log-probabilities.
        tones: [B, S, tones + 1] log-probabilities.
        lengths: [B] frames.
        batch: ``labels`` [B, L], ``label_lengths``, ``tones`` [B, K], ``tone_lengths``.
    """
    segment_loss = _ctc(segments, lengths, batch["labels"], batch["label_lengths"]).mean()
    toned = batch["tone_lengths"] > 0
    tone_loss = segment_loss.new_zeros(())
    if bool(toned.any()):
        of_clip = _ctc(tones[toned], lengths[toned], batch["tones"][toned], batch["tone_lengths"][toned])
        tone_loss = of_clip.sum() / len(toned)
    total = segment_loss + tone_weight * tone_loss
    return {"total": total, "segments": segment_loss.detach(), "tones": tone_loss.detach()}


def _ctc(log_probabilities: Tensor, lengths: Tensor, targets: Tensor, target_lengths: Tensor) -> Tensor:
    """[B] loss of each clip per label."""
    of_clip = F.ctc_loss(
        log_probabilities.transpose(0, 1),
        targets,
        lengths,
        target_lengths,
        blank=BLANK,
        reduction="none",
        zero_infinity=True,
    )
    return of_clip / torch.clamp(target_lengths, min=1)
