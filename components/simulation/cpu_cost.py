"""How long this CPU takes for a trace: for each family of operators a line, measured here and now.

A CPU has no launches that overlap: an operator is issued, computed, and only then the next one is issued. So
times add up, where on a GPU the longest of them counts (`cost`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from typing import Literal

import torch

from components.simulation.operators import Operator, Trace

Family = Literal[
    "linear", "product", "convolution", "grouped", "attention", "simple", "curved", "norm", "rows", "places"
]

NEAR_BYTES = 2**20
"""Of an operator, up to which a core's own cache serves it."""
_CURVED = (
    "exp expm1 log log1p tanh sigmoid gelu silu softplus sin cos pow rsqrt sqrt erf logit "
    "gelu_backward silu_backward tanh_backward sigmoid_backward softplus_backward logit_backward "
    "_softmax _log_softmax _softmax_backward_data _log_softmax_backward_data logsumexp"
)
_NORMS = (
    "native_layer_norm native_layer_norm_backward native_group_norm native_group_norm_backward "
    "native_batch_norm native_batch_norm_backward sum mean var var_mean amax amin linalg_vector_norm cumsum"
)
_ROWS = "embedding embedding_dense_backward index_select index_add index_add_"
_PLACES = (
    "index _unsafe_index index_put index_put_ _index_put_impl_ _unsafe_index_put gather scatter_add "
    "scatter_add_ scatter repeat_interleave sort topk nonzero argmax max min upsample_nearest2d_backward"
)
_FAMILIES: dict[str, Family] = {
    **dict.fromkeys(_CURVED.split(), "curved"),
    **dict.fromkeys(_NORMS.split(), "norm"),
    **dict.fromkeys(_ROWS.split(), "rows"),
    **dict.fromkeys(_PLACES.split(), "places"),
}


@dataclass(frozen=True)
class Key:
    """Operators that share a line.

    Attributes:
        family: what they do.
        half: in bfloat16.
        backward: of a convolution or attention: two or more products instead of one.
    """

    family: Family
    half: bool = False
    backward: bool = False


@dataclass(frozen=True)
class Line:
    """Seconds of an operator: so many for itself and for each of what it does.

    Attributes:
        launch_s: for itself.
        flop_s: a floating-point operation.
        lost_flop_s: one that channels cause which do not fill a vector.
        result_s: a sum that a product forms, however many terms it has.
        byte_s: a byte read or written.
        far_byte_s: besides, a byte beyond `NEAR_BYTES`.
    """

    launch_s: float
    flop_s: float
    lost_flop_s: float
    result_s: float
    byte_s: float
    far_byte_s: float


@dataclass(frozen=True)
class Around:
    """An operator within a network beside the same alone.

    Attributes:
        arithmetic: factor of what its floating-point operations take.
        rest: factor of everything else: code and weights have been driven out of the core's caches.
        given_byte_s: of a byte that the pass has not made itself: its weights lie behind the core's caches.
        host_s: Python, and in a training autograd, around each call, also of what has no kernel.
    """

    arithmetic: float
    rest: float
    given_byte_s: float
    host_s: float


@dataclass(frozen=True)
class Cpu:
    """A calibrated CPU.

    Attributes:
        label: its name.
        lines: of each family.
        inferring, learning: what a network adds, without gradients and with.
        rates: FLOP a second of the fastest operator of each family that has any.
        bandwidth: bytes a second, of the fastest copy that no cache holds.
    """

    label: str
    lines: Mapping[Key, Line]
    inferring: Around
    learning: Around
    rates: Mapping[Key, float]
    bandwidth: float


def counts(operator: Operator) -> tuple[float, ...]:
    """What the prices of a `Line` are multiplied with, in its order."""
    lost = max(0, operator.padded_flops - operator.flops)
    far = max(0, operator.bytes - NEAR_BYTES)
    return tuple(float(one) for one in (1, operator.flops, lost, operator.results, operator.bytes, far))


def key_of(operator: Operator) -> Key:
    """The line of an operator."""
    half = operator.dtype is torch.bfloat16
    backward = operator.name.endswith("backward")
    if operator.kind == "matmul":
        return Key("linear" if operator.name.startswith("mkldnn") else "product", half)
    if operator.kind == "convolution":
        return Key("grouped" if operator.grouped else "convolution", half, backward)
    if operator.kind == "attention":
        return Key("attention", False, backward)
    return Key(_FAMILIES.get(operator.name, "simple"))


def seconds(trace: Trace, cpu: Cpu, learning: bool) -> float:
    """Simulated time of a pass on a calibrated CPU, one thread.

    Args:
        trace: of the pass.
        cpu: of `cpu_calibration.calibrated`.
        learning: gradients are recorded and computed.
    """
    around = cpu.learning if learning else cpu.inferring
    prices: tuple[float, ...] = astuple(around)
    return sum(count * price for count, price in zip(work(trace, cpu), prices, strict=True))


def work(trace: Trace, cpu: Cpu) -> tuple[float, float, int, int]:
    """What the prices of `Around` are multiplied with, in its order."""
    return (*alone(trace, cpu), trace.given_bytes, calls(trace))


def calls(trace: Trace) -> int:
    """How often Python or autograd calls an operator, with a kernel or without."""
    return len(trace.operators) + trace.views


def alone(trace: Trace, cpu: Cpu) -> tuple[float, float]:
    """Seconds of all operators as if each ran over and over: of their arithmetic, and of the rest."""
    parts = [operator_seconds(one, cpu) for one in trace.operators]
    return sum(arithmetic for arithmetic, _ in parts), sum(rest for _, rest in parts)


def operator_seconds(operator: Operator, cpu: Cpu) -> tuple[float, float]:
    """Of one operator that runs over and over: of its arithmetic, and of the rest."""
    prices = astuple(cpu.lines[key_of(operator)])
    launch, flops, lost, *others = (
        count * price for count, price in zip(counts(operator), prices, strict=True)
    )
    return flops + lost, launch + sum(others)


def bare_roofline(trace: Trace, cpu: Cpu) -> float:
    """Seconds at the least: rate of the fastest product, bandwidth of the fastest copy, nothing around."""
    return _roofline(trace, cpu, lambda one: cpu.rates[Key("product", one.dtype is torch.bfloat16)])


def roofline(trace: Trace, cpu: Cpu) -> float:
    """The same, but each product, convolution and attention at the best rate of its own kind."""
    return _roofline(trace, cpu, lambda one: cpu.rates[key_of(one)])


def _roofline(trace: Trace, cpu: Cpu, rate: Callable[[Operator], float]) -> float:
    return sum(
        max(one.flops / rate(one) if one.flops else 0.0, one.bytes / cpu.bandwidth) for one in trace.operators
    )
