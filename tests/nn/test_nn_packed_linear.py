"""Packed weights give what plain ones give, follow a change of weights, and stay out of copies."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F

from components.nn.packed_linear import PackedLinear


@pytest.fixture
def layer() -> PackedLinear:
    torch.manual_seed(0)
    return PackedLinear(1024, 640).requires_grad_(False)


@pytest.mark.parametrize("shape", [(1, 1, 1024), (8, 1, 1024), (3, 1024)])
def test_a_step_is_the_layer_but_for_rounding(layer: PackedLinear, shape: tuple[int, ...]) -> None:
    x = torch.randn(shape)
    with torch.inference_mode():
        torch.testing.assert_close(layer.step(x), layer(x), atol=1e-5, rtol=1e-5)
    assert layer._packed is not None, "the packed way was taken"


def test_without_bias(layer: PackedLinear) -> None:
    bare = PackedLinear(1024, 640, bias=False).requires_grad_(False)
    x = torch.randn(2, 1, 1024)
    with torch.inference_mode():
        torch.testing.assert_close(bare.step(x), F.linear(x, bare.weight), atol=1e-5, rtol=1e-5)


def test_other_weights_are_packed_anew(layer: PackedLinear) -> None:
    x = torch.randn(1, 1, 1024)
    with torch.inference_mode():
        before = layer.step(x)
        layer.weight.mul_(2.0)
        torch.testing.assert_close(layer.step(x), layer(x), atol=1e-5, rtol=1e-5)
        assert not torch.allclose(layer.step(x), before)


def test_training_and_small_layers_go_the_usual_way() -> None:
    small, learning = PackedLinear(16, 16), PackedLinear(1024, 640)
    with torch.inference_mode():
        small.step(torch.randn(1, 16))
    learning.step(torch.randn(1, 1024)).sum().backward()  # type: ignore[no-untyped-call]
    assert small._packed is None
    assert learning._packed is None
    assert learning.weight.grad is not None


def test_copies_and_checkpoints_hold_the_weights_once(layer: PackedLinear) -> None:
    with torch.inference_mode():
        layer.step(torch.randn(1, 1, 1024))
    assert copy.deepcopy(layer)._packed is None
    assert set(layer.state_dict()) == {"weight", "bias"}
