"""A linear layer that keeps its weights in the CPU's own order while a sequence is made step by step."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_WORTH_IT = 1 << 19
"""Weights; below, the call itself costs more than the product (measured: benchmarks/kv_cache.py)."""
_MOST_ROWS = 32
"""Rows of a step; above, the usual product keeps the cores busy."""


class PackedLinear(nn.Linear):
    """`nn.Linear`, and a second way through it for the few rows of a decoding step.

    A step multiplies one row (or one a sentence of the batch) with every weight, so it waits for memory.
    oneDNN reads weights quicker that were laid out in its blocks for that number of rows before. Packed
    weights are made when first needed and again when the weights or the number of rows change; they take as
    much memory as the weights and are in no checkpoint and no copy.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__(in_features, out_features, bias)
        self._packed: tuple[tuple[int, int, int], Tensor] | None = None

    def step(self, x: Tensor) -> Tensor:
        """As ``forward`` but for rounding, for inputs [B, 1, C] or [B, C] of a decoding step."""
        rows = x.numel() // self.in_features
        if not self._worth_it(x, rows):
            return F.linear(x, self.weight, self.bias)
        made: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._weights(rows), self.bias, "none", [], "")
        return made

    def _worth_it(self, x: Tensor, rows: int) -> bool:
        return (
            x.device.type == "cpu"
            and x.dtype == torch.float32
            and type(x) is Tensor  # tracers (fake tensors) have no memory to be laid out
            and not torch.is_grad_enabled()
            and rows <= _MOST_ROWS
            and self.weight.numel() >= _WORTH_IT
            and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        )

    def _weights(self, rows: int) -> Tensor:
        of = (self.weight.data_ptr(), self.weight._version, rows)
        if self._packed is None or self._packed[0] != of:
            packed = torch.ops.mkldnn._reorder_linear_weight(self.weight.detach(), rows)
            self._packed = (of, packed)
        return self._packed[1]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_packed": None}
