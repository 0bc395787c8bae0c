"""The linear layer of this repository's networks: on a CPU its products are oneDNN's, not BLAS'."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)

WORTH_IT = 1 << 21
"""Multiplications of a product; below, the call itself costs what is won."""


class Linear(nn.Linear):
    """`nn.Linear`, the same weights and the same results but for rounding.

    PyTorch multiplies single precision by MKL, which takes half the vector width on CPUs that are not
    Intel's: 105 GFLOP a second on a core of an AMD EPYC where oneDNN, which PyTorch brings along and uses for
    convolutions, reaches 235 (benchmarks/linear.py). Gradients go the same way. Everything else (a GPU, half
    precision, autocast, small products, tensors without memory) goes the usual one.
    """

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] → [..., out]."""
        if not suits(x, self.weight):
            return F.linear(x, self.weight, self.bias)
        if not torch.is_grad_enabled():
            return product(x, self.weight, self.bias)
        output: Tensor = _Product.apply(x, self.weight, self.bias)  # type: ignore[no-untyped-call]
        return output


def suits(x: Tensor, weight: Tensor) -> bool:
    """Whether oneDNN takes this product [..., in] · [out, in] and is worth its call."""
    return math.prod(x.shape) * len(weight) >= WORTH_IT and possible(x, weight)


def possible(x: Tensor, weight: Tensor) -> bool:
    """Whether oneDNN takes this product, whatever it is worth."""
    return (
        x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and type(x) in (Tensor, nn.Parameter)  # tracers (fake tensors) have no memory to be multiplied
        and not torch.is_autocast_enabled("cpu")
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    )


def product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """``x`` [..., in] times ``weight`` [out, in], in any layout, plus ``bias`` [out]; no gradient."""
    made: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return made


def quicken(network: Network) -> Network:
    """Make the plain linear layers of another library's network such layers; weights and names stay.

    Returns:
        The same network.
    """
    for module in network.modules():
        if type(module) is nn.Linear:
            module.__class__ = Linear
    return network


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return product(x, weight, bias)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        of_x, of_weight, of_bias = ctx.needs_input_grad
        rows = gradient.reshape(-1, gradient.shape[-1])
        return (
            product(rows, weight.t(), None).view_as(x) if of_x else None,
            product(rows.t(), x.reshape(-1, x.shape[-1]).t(), None) if of_weight else None,
            rows.sum(dim=0) if of_bias else None,
        )
