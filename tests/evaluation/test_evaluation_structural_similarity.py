"""Structural similarity against the published formula, window by window."""

import numpy as np
import pytest

from components.core.errors import NothingScoredError
from components.evaluation.structural_similarity import structural_similarity

DRAW = np.random.default_rng(0)


def by_the_formula(a: np.ndarray, b: np.ndarray) -> float:
    """Wang et al. 2004, equations 13 to 16, one 11 x 11 Gaussian window (sigma 1.5) after the other."""
    place = np.arange(11) - 5
    line = np.exp(-(place**2) / (2 * 1.5**2))
    weights = np.outer(line, line) / line.sum() ** 2
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    scores = []
    for y in range(a.shape[0] - 10):
        for x in range(a.shape[1] - 10):
            p, q = (one[y : y + 11, x : x + 11].astype(float) for one in (a, b))
            mean_p, mean_q = (weights * p).sum(), (weights * q).sum()
            var_p, var_q = (weights * (p - mean_p) ** 2).sum(), (weights * (q - mean_q) ** 2).sum()
            cov = (weights * (p - mean_p) * (q - mean_q)).sum()
            scores.append(
                (2 * mean_p * mean_q + c1)
                * (2 * cov + c2)
                / ((mean_p**2 + mean_q**2 + c1) * (var_p + var_q + c2))
            )
    return float(np.mean(scores))


def test_it_is_the_published_formula() -> None:
    a = DRAW.integers(0, 256, (1, 14, 17, 2), dtype=np.uint8)
    b = np.clip(a.astype(int) + DRAW.integers(-40, 40, a.shape), 0, 255).astype(np.uint8)
    wanted = np.mean([by_the_formula(a[0, :, :, c], b[0, :, :, c]) for c in range(2)])
    assert structural_similarity(a, b)[0] == pytest.approx(wanted, abs=1e-9)


def test_flat_pictures_follow_from_the_constant_alone() -> None:
    dark, light = (np.full((2, 16, 16, 3), value, np.uint8) for value in (0, 255))
    c1 = (0.01 * 255) ** 2
    np.testing.assert_allclose(structural_similarity(dark, light), c1 / (255**2 + c1), rtol=1e-9)
    np.testing.assert_allclose(structural_similarity(light, light), 1.0)


@pytest.mark.parametrize("shape", [(0, 16, 16, 3), (1, 10, 16, 3), (1, 16, 12, 3)])
def test_nothing_to_compare_is_no_figure(shape: tuple[int, ...]) -> None:
    with pytest.raises(NothingScoredError):
        structural_similarity(np.zeros(shape, np.uint8), np.zeros((1, 16, 16, 3), np.uint8))
