"""Lip sync judged: by a SyncNet that never was a loss, and by how near the mouth comes to the real one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.auxiliaries.syncnet.loading import JUDGE, LoadedSyncNet
from components.core.errors import ConfigError, NothingScoredError
from components.evaluation.structural_similarity import structural_similarity

Crops = NDArray[np.uint8]


@dataclass(frozen=True)
class MouthLikeness:
    """Of a clip's lower halves: mean absolute difference in [0, 1], and structural similarity up to 1."""

    l1: float
    ssim: float


def require_independent(judge: LoadedSyncNet, loss_sha256: str) -> None:
    """Refuse a judge that the generator was trained to please.

    Args:
        judge: who is to judge.
        loss_sha256: of the SyncNet that was the generator's loss (``syncnet_sha256`` of its card).

    Raises:
        ConfigError: it is that one, or one that was pretrained as a loss.
    """
    if judge.sha256 == loss_sha256 or judge.name != JUDGE:
        raise ConfigError(
            who="judge of lip sync",
            expected=f"pretrained/{JUDGE}, which never was a loss",
            found=f"{judge.name} {judge.sha256[:12]}…",
            action=f"run make pretrain MODEL={JUDGE}",
        )


def mouth_likeness(made: Crops, real: Crops) -> MouthLikeness:
    """Lower halves of two clips, compared frame by frame.

    Args:
        made, real: [T, S, S, 3].

    Raises:
        NothingScoredError: no frame, or clips of different shapes.
    """
    if made.shape != real.shape or not len(made):
        raise NothingScoredError(
            who="likeness of the mouth",
            expected="as many made frames as real ones, of one size",
            found=f"{made.shape} and {real.shape}",
            action="render the same frames",
        )
    half = made.shape[1] // 2
    a, b = made[:, half:], real[:, half:]
    apart = np.abs(a.astype(np.float32) - b.astype(np.float32)) / np.float32(255.0)
    return MouthLikeness(float(apart.mean()), float(structural_similarity(a, b).mean()))
