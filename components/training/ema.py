"""The moving average of the weights; it is what gets validated and delivered."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

#: Start-up of the average: after n updates at most (1 + n) / (10 + n) of it is old, so that the random
#: initial weights do not dominate a short run (the rule of TensorFlow's ExponentialMovingAverage).
_START_NUMERATOR, _START_DENOMINATOR = 1, 10


class MovingAverage:
    """Exponential moving average of a network's parameters; buffers are copied.

    Args:
        network: averaged from now on; a deep copy of it carries the average.
        decay: in [0, 1); 0 keeps the average equal to the weights.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self._decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move the average towards ``network``'s weights."""
        start_up = (_START_NUMERATOR + self.updates) / (_START_DENOMINATOR + self.updates)
        share = 1.0 - min(self._decay, start_up)
        self.updates += 1
        for average, weight in zip(self.network.parameters(), network.parameters(), strict=True):
            average.lerp_(weight, share)
        for copied, buffer in zip(self.network.buffers(), network.buffers(), strict=True):
            copied.copy_(buffer)

    def weights(self) -> dict[str, Tensor]:
        """The averaged state, on the CPU, each tensor owning its memory (safetensors shares none)."""
        return plain(self.network.state_dict())


def plain(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies on the CPU, contiguous and independent of each other."""
    return {name: value.detach().to("cpu", copy=True).contiguous() for name, value in state.items()}


def first_not_finite(state: Mapping[str, Tensor]) -> str | None:
    """The name of a tensor that holds NaN or infinity, or None."""
    for name, value in state.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            return name
    return None
