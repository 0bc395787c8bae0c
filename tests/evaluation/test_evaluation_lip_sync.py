"""The judge of lip sync is another than the loss, and the mouth is compared with the real one."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from components.core.errors import ConfigError, NothingScoredError
from components.evaluation.lip_sync import mouth_likeness, require_independent

REAL = np.random.default_rng(0).integers(0, 255, (4, 32, 32, 3), dtype=np.uint8)


def judge(name: str, sha256: str) -> Any:
    return SimpleNamespace(name=name, sha256=sha256)


def test_the_loss_may_not_judge() -> None:
    require_independent(judge("sync_judge", "a" * 64), "b" * 64)
    for name, sha256 in (("sync_judge", "b" * 64), ("syncnet", "a" * 64)):
        with pytest.raises(ConfigError, match="never was a loss"):
            require_independent(judge(name, sha256), "b" * 64)


def test_likeness_is_of_the_lower_half_and_falls_with_every_change() -> None:
    same = mouth_likeness(REAL, REAL)
    assert (same.l1, same.ssim) == (0.0, pytest.approx(1.0))
    above, below = REAL.copy(), REAL.copy()
    above[:, :16] = 0
    below[:, 16:] = 255 - below[:, 16:]
    assert mouth_likeness(above, REAL) == same
    assert mouth_likeness(below, REAL).ssim < 0.2
    slightly = np.clip(REAL.astype(int) + 5, 0, 255).astype(np.uint8)
    assert mouth_likeness(slightly, REAL).l1 == pytest.approx(5 / 255, rel=0.1)
    assert 0.9 < mouth_likeness(slightly, REAL).ssim < 1.0


def test_nothing_to_compare_is_no_figure() -> None:
    for made, real in ((REAL[:0], REAL[:0]), (REAL, REAL[:2])):
        with pytest.raises(NothingScoredError):
            mouth_likeness(made, real)
