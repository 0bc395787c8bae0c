"""This CPU as a device: what a trace is counted as, and what it costs then."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from components.simulation.cpu_cost import (
    Around,
    Cpu,
    Key,
    Line,
    bare_roofline,
    key_of,
    roofline,
    seconds,
)
from components.simulation.operators import traced

ROWS, WIDTH = 12, 24
NET = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH)).requires_grad_(False)
GIVEN = torch.randn(ROWS, WIDTH)


def infer() -> None:
    with torch.inference_mode():
        NET(GIVEN)


def test_a_composite_is_taken_apart_in_inference_mode_too() -> None:
    with torch.no_grad():
        known = traced(lambda: NET(GIVEN))
    found = traced(infer)
    assert [one.name for one in found.operators] == [one.name for one in known.operators]
    assert found.flops == known.flops == 2 * (2 * ROWS * WIDTH * WIDTH)


def test_what_a_pass_has_not_made_itself_counts_once() -> None:
    weights = 2 * (WIDTH * WIDTH + WIDTH)
    assert traced(infer).given_bytes == 4 * (weights + ROWS * WIDTH)


def test_channels_that_fill_no_vector_are_padded_and_groups_are_not() -> None:
    x = torch.randn(1, 8, 50)
    plain, grouped = nn.Conv1d(8, 24, 3), nn.Conv1d(8, 8, 3, groups=8)
    with torch.no_grad():
        (one,) = traced(lambda: plain(x)).operators
        (other,) = traced(lambda: grouped(x)).operators
    assert one.padded_flops == pytest.approx(one.flops * (16 / 8) * (32 / 24), rel=1e-6)
    assert other.padded_flops == other.flops
    assert (key_of(one).family, key_of(other).family) == ("convolution", "grouped")


def test_seconds_are_the_sum_of_prices() -> None:
    trace = traced(infer)
    free = Line(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    lines = {Key("product"): Line(1.0, 0.5, 0.0, 0.0, 0.0, 0.0), Key("simple"): free}
    around = Around(arithmetic=2.0, rest=3.0, given_byte_s=0.25, host_s=7.0)
    cpu = Cpu("a CPU", lines, around, around, {Key("product"): 4.0}, bandwidth=float("inf"))
    calls = len(trace.operators) + trace.views
    by_hand = 2.0 * 0.5 * trace.flops + 3.0 * 2 + 0.25 * trace.given_bytes + 7.0 * calls
    assert seconds(trace, cpu, learning=False) == pytest.approx(by_hand)
    assert roofline(trace, cpu) == bare_roofline(trace, cpu) == trace.flops / 4.0
