"""How long a device takes for a trace: a roofline with efficiencies, a floor for a kernel, and the host."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from components.simulation.building import Pass
from components.simulation.devices import Device
from components.simulation.operators import Operator, Trace

_GRAIN = 2 * 128 * 128 * 64
"""FLOP of the piece of a product that one multiprocessor takes at a time: 128 × 128 results, 64 terms deep.
The libraries cut along the sum as well where the results alone are too few."""


@dataclass(frozen=True)
class Efficiency:
    """What kernels reach, fitted once (`calibration`) and the same for every device.

    Attributes:
        matmul, convolution, attention: share of the tensor cores' peak at full occupancy.
        scalar: share of the peak without tensor cores, which are easier to keep busy.
        memory: share of the bandwidth.
        floor_s: shortest time of a kernel.
        host_s: between two launches when Python issues them one by one.
        error: mean absolute error of held-out rows, relative; the band around every prediction.
    """

    matmul: float
    convolution: float
    attention: float
    scalar: float
    memory: float
    floor_s: float
    host_s: float
    error: float


@dataclass(frozen=True)
class Mode:
    """How a network is run.

    Attributes:
        tf32: products of float32 may use TF32.
        captured: launched as one recorded graph, so the host costs nothing between kernels.
    """

    tf32: bool = True
    captured: bool = False


@dataclass(frozen=True)
class Prediction:
    """Simulated, never measured.

    Attributes:
        seconds: of the pass.
        low, high: the seconds with the error of held-out rows.
        waiting_s: of the seconds, in which the device waits for the host.
        dearest: operator and seconds on the device, dearest first.
    """

    seconds: float
    low: float
    high: float
    waiting_s: float
    dearest: tuple[tuple[str, float], ...]


def predict(trace: Trace, device: Device, efficiency: Efficiency, mode: Mode) -> Prediction:
    """Time of one pass.

    Host and device are two clocks: a kernel starts when it has been issued and the one before it has ended.
    """
    issued = done = busy = 0.0
    parts: dict[str, float] = defaultdict(float)
    for one in trace.operators:
        if not mode.captured:
            issued += efficiency.host_s
        took = kernel_seconds(one, device, efficiency, mode.tf32)
        done = max(done, issued) + took
        busy += took
        parts[one.name] += took
    dearest = sorted(parts.items(), key=lambda part: -part[1])
    return Prediction(
        done, done / (1.0 + efficiency.error), done * (1.0 + efficiency.error), done - busy, tuple(dearest)
    )


def seconds_of(passes: Iterable[Pass], device: Device, efficiency: Efficiency, mode: Mode) -> float:
    """Of passes one after the other."""
    return sum(one.times * predict(one.trace, device, efficiency, mode).seconds for one in passes)


def kernel_seconds(operator: Operator, device: Device, efficiency: Efficiency, tf32: bool) -> float:
    """Of one kernel alone: arithmetic or memory, whichever is slower, and never below the floor."""
    memory = operator.bytes / (device.bandwidth * efficiency.memory)
    arithmetic = 0.0
    if operator.flops:
        peak, tensor_cores = device.peak(operator.dtype, tf32)
        share = _share(operator, efficiency) if tensor_cores else efficiency.scalar
        arithmetic = operator.flops / (peak * share * occupancy(operator.flops, device.multiprocessors))
    return max(arithmetic, memory, efficiency.floor_s)


def occupancy(flops: int, multiprocessors: int) -> float:
    """Share of the multiprocessors at work: few pieces do not reach all, a last round is seldom full."""
    pieces = max(1, math.ceil(flops / _GRAIN))
    rounds = math.ceil(pieces / multiprocessors)
    return pieces / (rounds * multiprocessors)


def mean_error(pairs: Iterable[tuple[float, float]]) -> float:
    """Mean of |predicted / known − 1| over (predicted, known).

    Raises:
        ValueError: no pair.
    """
    errors = [abs(predicted / known - 1.0) for predicted, known in pairs]
    if not errors:
        message = "no pair of a predicted and a known time"
        raise ValueError(message)
    return sum(errors) / len(errors)


def _share(operator: Operator, efficiency: Efficiency) -> float:
    if operator.kind == "convolution":
        return efficiency.convolution
    if operator.kind == "attention":
        return efficiency.attention
    return efficiency.matmul
