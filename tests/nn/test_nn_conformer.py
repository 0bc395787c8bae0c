"""Conformer blocks: shapes, refusals, and that every frame hears every other."""

import pytest
import torch

from components.core.errors import ConfigError
from components.nn.conformer import Conformer


def test_every_frame_hears_every_other_and_no_other_window() -> None:
    torch.manual_seed(0)
    conformer = Conformer(8, 2, 2, 3, 16).eval()
    x = torch.randn(2, 16, 8)
    made = conformer(x)
    assert made.shape == x.shape
    moved = x.clone()
    moved[0, 0, 0] += 1.0  # of one channel: layer norm does not see all of them move
    changed = (conformer(moved) - made).abs().amax(dim=-1) > 1e-6
    assert bool(changed[0].all())
    assert not bool(changed[1].any())
    torch.testing.assert_close(conformer(x[1:]), made[1:])


@pytest.mark.parametrize("kernel", [17, 31, 4])
def test_a_kernel_longer_than_the_window_or_even_is_refused(kernel: int) -> None:
    with pytest.raises(ConfigError, match="conformer_kernel"):
        Conformer(8, 2, 2, kernel, 16)


def test_no_block_passes_the_input_on() -> None:
    x = torch.randn(1, 16, 8)
    assert Conformer(8, 0, 2, 3, 16)(x) is x
