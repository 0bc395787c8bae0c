"""The cost model: what it may never say, and how far it is from published times."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import ConfigError
from components.simulation import calibration
from components.simulation.cost import Mode, kernel_seconds, mean_error, occupancy, predict
from components.simulation.devices import device, devices
from components.simulation.operators import Operator, Trace

A100 = device("A100-SXM4-80GB")
FITTED = calibration.fitted()
GOAL = 0.20

operators = st.builds(
    Operator,
    name=st.just("mm"),
    kind=st.sampled_from(["matmul", "convolution", "attention", "other"]),
    flops=st.integers(0, 10**13),
    bytes=st.integers(0, 10**11),
    dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.float16]),
)


@given(operators, st.sampled_from(sorted(devices())), st.booleans())
def test_no_kernel_is_faster_than_its_peaks_or_its_floor(one: Operator, name: str, tf32: bool) -> None:
    chosen = device(name)
    peak, _ = chosen.peak(one.dtype, tf32)
    took = kernel_seconds(one, chosen, FITTED, tf32)
    assert took >= max(one.flops / peak, one.bytes / chosen.bandwidth, FITTED.floor_s)


@given(st.lists(operators, min_size=1, max_size=20))
def test_a_recorded_graph_is_never_slower(several: list[Operator]) -> None:
    trace = Trace(tuple(several), 0)
    eager = predict(trace, A100, FITTED, Mode())
    captured = predict(trace, A100, FITTED, Mode(captured=True))
    assert captured.seconds <= eager.seconds
    assert captured.waiting_s == pytest.approx(0.0, abs=1e-12)
    assert eager.seconds >= len(several) * FITTED.host_s
    assert eager.low <= eager.seconds <= eager.high


@given(st.integers(0, 10**13), st.integers(1, 200))
def test_occupancy_is_a_share(flops: int, multiprocessors: int) -> None:
    assert 0.0 < occupancy(flops, multiprocessors) <= 1.0


def test_the_committed_fit_meets_its_goal_and_is_the_fit_of_the_rows() -> None:
    """Rows of one utterance at a time are traced again; the fit says what it said when it was committed."""
    assert FITTED.error <= GOAL
    single = [row for row in calibration.rows(batches=(1,)) if row.role != "reported"]
    assert len(single) > 5
    error = mean_error((calibration.predicted(row, FITTED), row.seconds) for row in single)
    assert error <= GOAL


def test_an_error_of_nothing_is_no_error_at_all() -> None:
    with pytest.raises(ValueError, match="no pair"):
        mean_error([])


def test_an_unknown_device_is_named() -> None:
    with pytest.raises(ConfigError, match="B200"):
        device("B200")


def test_tensor_cores_are_used_where_there_are_any() -> None:
    assert device("V100-SXM2-16GB").peak(torch.float32, True)[1] is False
    assert A100.peak(torch.float32, True)[1] is True
    assert A100.peak(torch.float32, False) == (A100.fp32, False)


def test_longer_launches_never_make_it_faster() -> None:
    trace = Trace((Operator("mm", "matmul", 10**9, 10**6, torch.bfloat16),) * 10, 0)
    times = [
        predict(trace, A100, dataclasses.replace(FITTED, host_s=host), Mode()).seconds
        for host in (0.0, 1e-6, 1e-5, 1e-4)
    ]
    assert times == sorted(times)
