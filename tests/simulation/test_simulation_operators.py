"""Traces: what is counted of a pass."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from components.simulation.building import a_pass, built, ids
from components.simulation.operators import Trace, as_shapes, shapes_only, traced

ROWS, WIDE, NARROW = 32, 256, 16


class Net(nn.Module):
    """A table, a product, a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(10, NARROW)
        self.wide = nn.Linear(NARROW, WIDE)
        self.back = nn.Conv1d(WIDE, NARROW, 3, padding=1)

    def forward(self, numbers: Tensor) -> Tensor:
        """[B, T] → [B, NARROW, T]."""
        made: Tensor = self.back(self.wide(self.table(numbers)).transpose(1, 2).relu())
        return made


def of_shapes(dtype: torch.dtype = torch.float32) -> Trace:
    net = built(Net)
    return a_pass(net, dtype, lambda: net(ids(1, ROWS))).trace


def test_flops_are_those_of_the_shapes() -> None:
    product, convolution = 2 * ROWS * NARROW * WIDE, 2 * ROWS * NARROW * WIDE * 3
    assert of_shapes().flops == product + convolution


def test_shapes_tell_the_same_as_numbers() -> None:
    net = Net().eval().requires_grad_(requires_grad=False)
    with torch.no_grad():
        numbers = torch.zeros(1, ROWS, dtype=torch.long)
        real = traced(lambda: net(numbers), list(net.parameters()))
    told = of_shapes()
    assert [one.kind for one in told.operators if one.flops] == ["matmul", "convolution"]
    assert (told.flops, sum(one.flops > 0 for one in real.operators)) == (real.flops, 2)


def test_half_the_type_is_half_the_bytes_of_weights() -> None:
    product = next(one for one in of_shapes().operators if one.kind == "matmul")
    half = next(one for one in of_shapes(torch.bfloat16).operators if one.kind == "matmul")
    assert half.bytes == product.bytes / 2
    assert half.dtype == torch.bfloat16


def test_a_repeated_dimension_and_a_view_cost_nothing() -> None:
    with torch.no_grad():
        column = torch.ones(100, 1)
        trace = traced(lambda: column.expand(100, 1000).view(100, 1000)[:50] + 1.0)
    (only,) = trace.operators
    assert only.bytes == 50 * 4 + 50 * 1000 * 4


def test_the_peak_is_what_lives_at_one_time() -> None:
    size = 1_000_000

    def chain() -> None:
        one = torch.ones(size)
        for _ in range(5):
            one = one + 1.0

    assert traced(chain).peak_bytes == 2 * size * 4


def test_a_backward_pass_keeps_what_it_needs() -> None:
    """sigmoid keeps its result: ten of them live until the backward pass begins."""
    size, deep = 10_000, 10
    start = torch.ones(size, requires_grad=True)

    def work() -> None:
        x = start
        for _ in range(deep):
            x = x.sigmoid()
        x.sum().backward()  # type: ignore[no-untyped-call]

    assert deep * size * 4 <= traced(work, [start]).peak_bytes <= (deep + 4) * size * 4


def test_attention_counts_two_products() -> None:
    with shapes_only(), torch.no_grad():
        query = torch.zeros(1, 2, 8, 4)
        trace = traced(lambda: nn.functional.scaled_dot_product_attention(query, query, query))
    assert trace.flops == 2 * (2 * 2 * 8 * 8 * 4)


def test_shapes_replace_weights_in_the_type_that_is_asked_for() -> None:
    with shapes_only():
        net = as_shapes(built(Net), torch.bfloat16)
    assert {one.dtype for one in net.parameters()} == {torch.bfloat16}
