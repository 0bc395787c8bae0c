"""Our linear layer is PyTorch's but for rounding, gradients too, and steps aside where it does not belong."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from components.nn import linear
from components.nn.linear import WORTH_IT, Linear, quicken, suits


def _by_onednn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The inputs that went through oneDNN, from now on."""
    seen: list[tuple[int, ...]] = []
    plain = linear.product

    def counted(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        seen.append(tuple(x.shape))
        return plain(x, weight, bias)

    monkeypatch.setattr(linear, "product", counted)
    return seen


@given(
    shape=st.lists(st.integers(1, 5), min_size=0, max_size=2),
    rows=st.integers(110, 400),
    wide=st.sampled_from([129, 144, 200]),
    out=st.sampled_from([160, 257]),
    bias=st.booleans(),
    turned=st.booleans(),
)
def test_results_and_gradients_are_those_of_pytorch(
    shape: list[int], rows: int, wide: int, out: int, bias: bool, turned: bool
) -> None:
    layer = Linear(wide, out, bias=bias)
    x = torch.randn(*shape, wide, rows).transpose(-1, -2) if turned else torch.randn(*shape, rows, wide)
    told = torch.randn(*shape, rows, out)
    assert suits(x, layer.weight)
    found = _gradients(layer, x, told, layer)
    wanted = _gradients(lambda given: F.linear(given, layer.weight, layer.bias), x, told, layer)
    for one, other in zip(found, wanted, strict=True):
        assert one.shape == other.shape
        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-4)


def _gradients(way: object, x: Tensor, told: Tensor, layer: nn.Linear) -> list[Tensor]:
    given = x.clone().requires_grad_(True)
    made = way(given)  # type: ignore[operator]
    return [made, *torch.autograd.grad(made, [given, *layer.parameters()], told)]


def test_frozen_weights_and_frozen_inputs_get_no_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, layer, x = _by_onednn(monkeypatch), Linear(128, 128), torch.randn(256, 128)
    layer(x).sum().backward()
    assert layer.weight.grad is not None
    assert len(seen) == 2, "forwards, and the weights' gradient: the input asked for none"
    frozen = Linear(128, 128).requires_grad_(False)
    x.requires_grad_(True)
    frozen(x).sum().backward()
    assert x.grad is not None
    assert len(seen) == 4


def test_what_does_not_belong_goes_the_usual_way(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, layer = _by_onednn(monkeypatch), Linear(128, 128)
    rows = WORTH_IT // 128**2
    layer(torch.randn(rows - 1, 128))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(torch.randn(rows, 128)).dtype is torch.bfloat16
    copy.deepcopy(layer).bfloat16()(torch.randn(rows, 128, dtype=torch.bfloat16))
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        layer(mode.from_tensor(torch.randn(rows, 128)))
    assert seen == []
    layer(torch.randn(rows, 128))
    assert seen == [(rows, 128)]


def test_another_library_s_network_keeps_weights_and_names(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(128, 512), nn.GELU(), nn.Linear(512, 128)).eval()
    x, state = torch.randn(300, 128), copy.deepcopy(network.state_dict())
    before = network(x)
    seen = _by_onednn(monkeypatch)
    assert quicken(network) is network
    torch.testing.assert_close(network(x), before, atol=1e-5, rtol=1e-4)
    assert len(seen) == 2
    assert network.state_dict().keys() == state.keys()
    network.load_state_dict(state)
