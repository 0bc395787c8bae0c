"""Calibrates this CPU: single operators of many sizes are timed, and each family gets its line.

No network of this repository is timed here, so their times are held out. One thread, CPU time, the least of
several rounds: other work on the machine can only make it longer. An operator that runs over and over finds
its code and its weights in the core's caches; what a network adds to that is learned from a few networks that
nothing here is made of (`generic_networks`).
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor

from components.core.provenance import cpu_label
from components.nn.linear import WORTH_IT as LINEAR_WORTH_IT
from components.nn.linear import product as product_with
from components.simulation.cpu_cost import Around, Cpu, Key, Line, counts, key_of
from components.simulation.cpu_cost import work as work_in
from components.simulation.generic_networks import Work, generic_networks
from components.simulation.operators import Operator, Trace, traced

_ATEN = torch.ops.aten
_OUT_OF_CACHES_BYTES = 8 * 2**20
_LEAST_S = 0.001

_PRODUCTS = (
    (1, 160, 480), (1, 320, 320), (4, 256, 256), (32, 64, 64), (48, 128, 320), (96, 192, 192),
    (150, 320, 128), (320, 160, 160), (500, 256, 512), (1200, 192, 384),
)  # fmt: skip
_BATCHED = ((2, 50, 64, 50), (4, 160, 32, 160), (8, 80, 48, 80), (12, 220, 64, 220))
_CONVOLUTIONS_1D = (
    (1, 96, 80, 96, 3), (1, 128, 250, 320, 3), (1, 320, 120, 128, 3), (1, 64, 500, 64, 7),
    (4, 160, 200, 160, 5), (8, 80, 150, 160, 3), (1, 192, 300, 192, 1), (1, 1, 8000, 32, 10),
)  # fmt: skip
_CONVOLUTIONS_2D = (
    (12, 3, 64, 64, 24, 7, 2), (12, 24, 32, 32, 48, 3, 1), (6, 48, 24, 24, 64, 3, 2),
    (6, 96, 12, 12, 96, 3, 1), (4, 64, 48, 48, 24, 3, 1), (4, 16, 80, 80, 16, 3, 1), (4, 24, 80, 80, 4, 1, 1),
    (16, 32, 28, 16, 32, 3, 1), (4, 8, 64, 64, 12, 3, 1), (6, 40, 48, 48, 8, 3, 1),
)  # fmt: skip
_GROUPED = ((1, 192, 250, 7, 192), (4, 256, 120, 5, 256), (1, 192, 150, 32, 16), (8, 128, 300, 7, 128))
_ATTENTIONS = ((1, 2, 50, 64), (1, 4, 200, 48), (4, 2, 120, 64), (8, 4, 250, 32))
_ELEMENTS = (1_000, 12_000, 60_000, 250_000, 1_000_000, 3_000_000)


@dataclass(frozen=True)
class Probe:
    """Something small to be timed.

    Attributes:
        trace: of it.
        work: it.
    """

    trace: Trace
    work: Work


def calibrated(rounds: int = 5) -> Cpu:
    """This CPU, one thread; some ten seconds.

    Args:
        rounds: of timings, of which the least counts.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return _calibrated(rounds)


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def least_seconds(work: Work, rounds: int) -> float:
    """CPU time of a call on one thread, the least of several timings; called once before.

    Only this thread's time is read, so torch is kept to one: what a second one did would count for nothing.

    Args:
        work: is called so often in a timing that the clock's grain is nothing beside it.
        rounds: of timings, at least one.
    """
    with _one_thread():
        work()
        calls, took = 1, _spent(work, 1)
        while took < _LEAST_S:
            calls *= 4
            took = _spent(work, calls)
        return min(took, *(_spent(work, calls) for _ in range(rounds))) / calls


def _spent(work: Work, calls: int) -> float:
    started = time.thread_time()
    for _ in range(calls):
        work()
    return time.thread_time() - started


def _calibrated(rounds: int) -> Cpu:
    with torch.no_grad():
        probes = list(_single_operators())
        known = [(one.trace.operators[0], least_seconds(one.work, rounds)) for one in probes]
    nothing = Around(1.0, 1.0, 0.0, 0.0)
    bare = Cpu(cpu_label(), _lines(known), nothing, nothing, _fastest(known), _bandwidth(known))
    infer, learn = zip(*generic_networks(), strict=True)
    return replace(bare, inferring=_around(infer, bare, rounds), learning=_around(learn, bare, rounds))


def _lines(known: Sequence[tuple[Operator, float]]) -> dict[Key, Line]:
    """Least squares of relative errors, no price below zero."""
    families: dict[Key, list[tuple[tuple[float, ...], float]]] = defaultdict(list)
    for operator, took in known:
        families[key_of(operator)].append((counts(operator), took))
    lines = {}
    for key, pairs in families.items():
        rows, times = np.array([row for row, _ in pairs]), np.array([took for _, took in pairs])
        scale = np.maximum(rows.max(axis=0), 1.0)
        prices, _ = nnls(rows / scale / times[:, None], np.ones(len(times)))
        lines[key] = Line(*(float(price) for price in prices / scale))
    return lines


def _fastest(known: Sequence[tuple[Operator, float]]) -> dict[Key, float]:
    rates: dict[Key, float] = defaultdict(float)
    for operator, took in known:
        if operator.flops:
            rates[key_of(operator)] = max(rates[key_of(operator)], operator.flops / took)
    return dict(rates)


def _bandwidth(known: Sequence[tuple[Operator, float]]) -> float:
    """Of plain operators that no cache of a core holds."""
    plain = [(one, took) for one, took in known if key_of(one) == Key("simple")]
    return max(one.bytes / took for one, took in plain if one.bytes >= _OUT_OF_CACHES_BYTES)


def _around(works: Sequence[Work], cpu: Cpu, rounds: int) -> Around:
    """Least squares of relative errors over the generic networks."""
    rows = np.array([work_in(traced(work), cpu) for work in works], dtype=float)
    times = np.array([least_seconds(work, rounds) for work in works])
    scale = rows.max(axis=0)
    prices, _ = nnls(rows / scale / times[:, None], np.ones(len(times)))
    return Around(*(float(price) for price in prices / scale))


def _single_operators() -> Iterator[Probe]:
    for dtype in (torch.float32, torch.bfloat16):
        yield from _products(dtype)
        yield from _convolutions(dtype)
    yield from _attentions()
    for elements in _ELEMENTS:
        yield from _pointwise(elements)
    for rows, wide in product((20, 200, 2000), (128, 384)):
        yield from _over_rows(rows, wide)


def _probe(operator: Callable[..., object], *given: object) -> Probe:
    """Of an operator and what it is given."""

    def work() -> object:
        return operator(*given)

    return Probe(traced(work), work)


def _products(dtype: torch.dtype) -> Iterator[Probe]:
    for rows, terms, columns in _PRODUCTS:
        x, weight = torch.randn(rows, terms, dtype=dtype), torch.randn(columns, terms, dtype=dtype).t()
        bias = torch.randn(columns, dtype=dtype)
        yield _probe(lambda x, weight, bias: _ATEN.addmm.default(bias, x, weight), x, weight, bias)
        if dtype == torch.float32 and rows * terms * columns >= LINEAR_WORTH_IT:
            yield from _linears(x, weight.t(), bias)
    for batch, rows, terms, columns in _BATCHED:
        left, right = torch.randn(batch, rows, terms), torch.randn(batch, terms, columns)
        yield _probe(_ATEN.bmm.default, left.to(dtype), right.to(dtype))


def _linears(x: Tensor, weight: Tensor, bias: Tensor) -> Iterator[Probe]:
    """`components.nn.linear` forwards, and its gradients of input and weights in their layouts."""
    told = torch.randn(len(x), len(weight))
    yield _probe(product_with, x, weight, bias)
    yield _probe(product_with, told, weight.t(), None)
    yield _probe(product_with, told.t(), x.t(), None)


def _convolutions(dtype: torch.dtype) -> Iterator[Probe]:
    shapes: list[tuple[tuple[int, ...], tuple[int, ...], int, int]] = [
        *(((b, i, t), (o, i, k), 1, 1) for b, i, t, o, k in _CONVOLUTIONS_1D),
        *(((b, i, h, w), (o, i, k, k), s, 1) for b, i, h, w, o, k, s in _CONVOLUTIONS_2D),
        *(((b, c, t), (c, c // groups, k), 1, groups) for b, c, t, k, groups in _GROUPED),
    ]
    for given, kernel, stride, groups in shapes:
        flat = len(kernel) - 2
        padding = [(one - 1) // 2 for one in kernel[2:]]
        options = ([stride] * flat, padding, [1] * flat, False, [0] * flat, groups)
        x, weight = torch.randn(given, dtype=dtype), torch.randn(kernel, dtype=dtype)
        bias = torch.randn(kernel[0], dtype=dtype)
        yield _probe(_ATEN.convolution.default, x, weight, bias, *options)
        gradient = torch.randn_like(_ATEN.convolution.default(x, weight, bias, *options))
        wanted = ([kernel[0]], *options, [True, True, True])
        yield _probe(_ATEN.convolution_backward.default, gradient, x, weight, *wanted)


def _attentions() -> Iterator[Probe]:
    forward = _ATEN._scaled_dot_product_flash_attention_for_cpu.default
    backward = _ATEN._scaled_dot_product_flash_attention_for_cpu_backward.default
    for shape in _ATTENTIONS:
        heads = [torch.randn(shape) for _ in range(3)]
        yield _probe(forward, *heads)
        yield _probe(backward, torch.randn(shape), *heads, *forward(*heads), 0.0, False)


def _pointwise(elements: int) -> Iterator[Probe]:
    one, other = torch.rand(elements) + 0.1, torch.rand(elements)
    for plain in (_ATEN.add.Tensor, _ATEN.mul.Tensor):
        yield _probe(plain, one, other)
    for plain in (_ATEN.relu.default, _ATEN.neg.default, _ATEN.clone.default):
        yield _probe(plain, one)
    yield _probe(lambda x: _ATEN._to_copy.default(x, dtype=torch.bfloat16), one)
    yield _probe(lambda x, y: _ATEN.cat.default([x, y]), one, other)
    low = one < other
    yield _probe(lambda x: _ATEN.masked_fill.Scalar(x, low, 0.0), one)
    for curved in (_ATEN.exp.default, _ATEN.tanh.default, _ATEN.silu.default, _ATEN.sigmoid.default):
        yield _probe(curved, one)
    yield _probe(lambda x: _ATEN._softmax.default(x, -1, False), one.view(-1, 100))


def _over_rows(rows: int, wide: int) -> Iterator[Probe]:
    x, table, which = torch.randn(rows, wide), torch.randn(300, wide), torch.randint(300, (rows,))
    gain, shift = torch.ones(wide), torch.zeros(wide)
    yield _probe(lambda x: _ATEN.native_layer_norm.default(x, [wide], gain, shift, 1e-5), x)
    yield _probe(_ATEN.sum.default, x)
    yield _probe(lambda x: _ATEN.sum.dim_IntList(x, [0]), x)
    maps = torch.randn(1, wide, rows)
    yield _probe(lambda x: _ATEN.native_group_norm.default(x, None, None, 1, wide, rows, 8, 1e-5), maps)
    yield _probe(_ATEN.embedding.default, table, which)
    places = torch.randint(wide, (rows, wide))
    yield _probe(lambda x: _ATEN.gather.default(x, 1, places), x)
    yield _probe(lambda x: _ATEN.index.Tensor(x, [which[:, None] % rows, places]), x)
