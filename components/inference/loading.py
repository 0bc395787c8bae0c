"""From a delivered folder to something that speaks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from components import catalogue
from components.core.params import ModelSection

if TYPE_CHECKING:
    import torch

    from components.nn.contracts import Auxiliaries, Synthesiser


def load(
    model: str, section: ModelSection, delivered: Path, auxiliaries: Auxiliaries, device: torch.device
) -> Synthesiser:
    """A delivered model, its hash checked; weights are safetensors or they are not opened.

    Args:
        model: its name.
        section: its parameters.
        delivered: its folder.
        auxiliaries: the networks that serve it.
        device: where it computes.

    Raises:
        CorruptFileError: the weights are not the ones that were delivered.
        DataError: no delivered model of that name there, or only a pickle.
        ConfigError: a model that is only defined so far, or an auxiliary network of another kind than
            params.yaml asks for.
    """
    return catalogue.spec(model).load(section, delivered, auxiliaries, device)
