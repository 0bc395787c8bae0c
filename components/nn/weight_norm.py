"""Weight norm exists in training only: split before it, folded after it."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import weight_norm


def add_weight_norm(network: nn.Module) -> None:
    """Split every convolution's weight into length and direction (Salimans and Kingma 2016), for training."""
    for module in list(network.modules()):
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.ConvTranspose1d):
            weight_norm(module)


def folded(network: nn.Module, weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The plain weights of a weight-normed network.

    Args:
        network: any of the same dimensions with weight norm in the same places; it is changed.
        weights: a training state that holds the network's under ``prefix``.
    """
    own = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    network.load_state_dict(own)
    for module in list(network.modules()):
        if parametrize.is_parametrized(module):
            parametrize.remove_parametrizations(module, "weight")
    return {name: value.detach().clone().contiguous() for name, value in network.state_dict().items()}
