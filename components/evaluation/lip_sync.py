"""Lip sync judged: by a SyncNet that never was a loss, and by how near the mouth comes to the real one."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from components.auxiliaries.syncnet.distances import SyncScore
from components.auxiliaries.syncnet.loading import JUDGE, LoadedSyncNet
from components.core.errors import ConfigError, NothingScoredError

Crops = NDArray[np.uint8]
#: Wang et al. 2004, section III-B: Gaussian window and the two constants.
_WINDOW, _DEVIATION, _K1, _K2 = (11, 11), 1.5, 0.01, 0.03


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


def judged(judge: LoadedSyncNet, crops: Crops, mel: NDArray[np.float32], who: str) -> SyncScore:
    """LSE-D, LSE-C and offset of a clip.

    Args:
        crops: [T, S, S, 3] RGB, a face in every one.
        mel: [M, n_mels] of the sound that is claimed to belong to them.

    Raises:
        NothingScoredError: too short a clip.
    """
    return judge.score(crops, mel, who)


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
    a, b = made[:, half:].astype(np.float32) / 255.0, real[:, half:].astype(np.float32) / 255.0
    ssims = [_ssim(one, other) for one, other in zip(a, b, strict=True)]
    return MouthLikeness(float(np.abs(a - b).mean()), float(np.mean(ssims)))


def _ssim(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Wang et al. 2004, equation 13, mean over pixels and channels of pictures [H, W, 3] in [0, 1]."""
    mean_a, mean_b = _smooth(a), _smooth(b)
    variance_a, variance_b = _smooth(a * a) - mean_a**2, _smooth(b * b) - mean_b**2
    together = _smooth(a * b) - mean_a * mean_b
    c1, c2 = _K1**2, _K2**2
    score = ((2 * mean_a * mean_b + c1) * (2 * together + c2)) / (
        (mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2)
    )
    return float(score.mean())


def _smooth(image: NDArray[np.float32]) -> NDArray[np.float32]:
    smoothed: NDArray[np.float32] = cv2.GaussianBlur(image, _WINDOW, _DEVIATION)
    return smoothed
