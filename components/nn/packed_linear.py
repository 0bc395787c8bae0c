"""A linear layer that keeps its weights in the CPU's own order while a sequence is made step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from components.nn.linear import Linear, possible, product

_WORTH_IT = 1 << 19
"""Weights; below, the call itself costs more than the product (measured: benchmarks/kv_cache.py)."""
_MOST_ROWS = 32
"""Rows of a step; above, the usual product keeps the cores busy."""
_AT_ONCE = 4
"""Rows of weights that one pass over the output adds; the code of `_add_rows` spells them out."""


class PackedLinear(Linear):
    """`Linear`, and a second way through it for the few rows of a decoding step.

    A step multiplies one row (or one a sentence of the batch) with every weight, so it waits for memory. The
    libraries' products of one row read it at half the pace that a core can; a sum of the transposed weights'
    rows, four at a time, reads nearly all of it (benchmarks/kv_cache.py). For several rows oneDNN reads
    weights quicker that were laid out in its blocks for that number before. Weights in either order are made
    when first needed and again when the weights or the number of rows change; they take as much memory as
    the weights and are in no checkpoint and no copy.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__(in_features, out_features, bias)
        self._packed: tuple[tuple[int, int, int], Tensor] | None = None

    def step(self, x: Tensor) -> Tensor:
        """As ``forward`` but for rounding, for inputs [B, 1, C] or [B, C] of a decoding step."""
        rows = x.numel() // self.in_features
        if not self._worth_it(x, rows):
            return F.linear(x, self.weight, self.bias)
        weights = self._weights(rows)
        if self._by_rows(rows):
            return self._summed(x, weights)
        return product(x, weights, self.bias)

    def _by_rows(self, rows: int) -> bool:
        return rows == 1 and self.in_features % _AT_ONCE == 0

    def _summed(self, x: Tensor, weights: Tensor) -> Tensor:
        y = x.new_zeros(self.out_features) if self.bias is None else self.bias.detach().clone()
        _add_rows(weights.numpy(), x.reshape(-1).contiguous().numpy(), y.numpy())
        return y.view(*x.shape[:-1], self.out_features)

    def _worth_it(self, x: Tensor, rows: int) -> bool:
        return (
            self.weight.numel() >= _WORTH_IT
            and rows <= _MOST_ROWS
            and not torch.is_grad_enabled()
            and possible(x, self.weight)
        )

    def _weights(self, rows: int) -> Tensor:
        of = (self.weight.data_ptr(), self.weight._version, rows)
        if self._packed is None or self._packed[0] != of:
            weight = self.weight.detach()
            reorder = torch.ops.mkldnn._reorder_linear_weight
            self._packed = (of, weight.t().contiguous() if self._by_rows(rows) else reorder(weight, rows))
        return self._packed[1]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_packed": None}


@njit(fastmath=True)  # type: ignore[untyped-decorator]  # numba has no types
def _add_rows(weights: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32]) -> None:
    """``y`` [N] += ``x`` [K] · ``weights`` [K, N]; the output stays in the nearest cache, weights stream by.

    ``fastmath`` lets the compiler order the four products of an element as it likes: the result is the
    product's but for rounding, as any library's.
    """
    for k in range(0, weights.shape[0], 4):
        a, b, c, d = x[k], x[k + 1], x[k + 2], x[k + 3]
        first, second, third, fourth = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        for n in range(weights.shape[1]):
            y[n] += a * first[n] + b * second[n] + c * third[n] + d * fourth[n]
