"""How a workload is built: networks without memory, tensors with shapes alone, a pass followed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from components.simulation.operators import Trace, as_shapes, shapes_only, traced


@dataclass(frozen=True)
class Pass:
    """A trace and how often it runs, one after the other."""

    trace: Trace
    times: int = 1


def a_pass(net: nn.Module, dtype: torch.dtype, work: Callable[[], object]) -> Pass:
    """Follow ``work``, which calls ``net`` without gradients; the weights count as memory."""
    with shapes_only(), torch.no_grad():
        as_shapes(net, dtype)
        return Pass(traced(work, [*net.parameters(), *net.buffers()]))


def built(make: Callable[[], nn.Module]) -> Any:
    """A network in evaluation, without memory for its weights."""
    with torch.device("meta"):
        return make().eval().requires_grad_(requires_grad=False)


def zeros(dtype: torch.dtype, *shape: int) -> Tensor:
    """Samples, features, latents."""
    return torch.zeros(shape, dtype=dtype)


def ones(*shape: int) -> Tensor:
    """A mask of what is valid."""
    return torch.ones(shape, dtype=torch.bool)


def ids(*shape: int) -> Tensor:
    """Numbers of symbols, codes, speakers."""
    return torch.zeros(shape, dtype=torch.long)
