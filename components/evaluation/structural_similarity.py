"""Structural similarity of pictures (Wang et al. 2004, IEEE TIP 13(4))."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from components.core.errors import NothingScoredError
from components.core.metrics import Evaluator

#: Section III-B: side and deviation of the Gaussian window, and the two constants.
_SIDE, _DEVIATION, _K1, _K2 = 11, 1.5, 0.01, 0.03
_FULL_SCALE = 255.0
JUDGE = Evaluator(
    id="ssim", version="Wang 2004, 11 x 11, sigma 1.5, RGB", weights_sha256="", kind="reference"
)


def structural_similarity(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Equation 13, mean over the places where the whole window lies in the picture, and over channels.

    Args:
        a, b: [T, H, W, C] of one shape, H and W at least 11.

    Returns:
        [T] up to 1, which only equal pictures reach.

    Raises:
        NothingScoredError: no picture, other shapes, or too small ones.
    """
    if a.shape != b.shape or a.ndim != 4 or not len(a) or min(a.shape[1:3]) < _SIDE:
        raise NothingScoredError(
            who="structural similarity",
            expected=f"as many pictures as there are to compare with, of one size from {_SIDE} x {_SIDE} on",
            found=f"{a.shape} and {b.shape}",
            action="render the same frames",
        )
    x, y = _channels(a), _channels(b)
    mean_x, mean_y = _smooth(x), _smooth(y)
    variance_x, variance_y = _smooth(x * x) - mean_x**2, _smooth(y * y) - mean_y**2
    together = _smooth(x * y) - mean_x * mean_y
    c1, c2 = (_K1 * _FULL_SCALE) ** 2, (_K2 * _FULL_SCALE) ** 2
    score = ((2 * mean_x * mean_y + c1) * (2 * together + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    )
    means: NDArray[np.float64] = score.mean(dim=(1, 2)).view(len(a), -1).mean(dim=1).numpy()
    return means


def _channels(pictures: NDArray[np.uint8]) -> Tensor:
    """[T, H, W, C] → [T · C, H, W]; double, or the variance of a flat picture drowns in rounding."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).flatten(0, 1).double()


def _smooth(x: Tensor) -> Tensor:
    """[N, H, W] → [N, H - 10, W - 10], by shifted sums: convolutions of doubles take ten times as long."""
    place = np.arange(_SIDE) - _SIDE // 2
    line = np.exp(-(place**2) / (2 * _DEVIATION**2))
    weights = (line / line.sum()).tolist()
    height, width = x.shape[1] - _SIDE + 1, x.shape[2] - _SIDE + 1
    down: Tensor = x[:, :height] * weights[0]
    for shift in range(1, _SIDE):
        down.add_(x[:, shift : shift + height], alpha=weights[shift])
    across: Tensor = down[:, :, :width] * weights[0]
    for shift in range(1, _SIDE):
        across.add_(down[:, :, shift : shift + width], alpha=weights[shift])
    return across
