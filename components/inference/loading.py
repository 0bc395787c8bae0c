"""From a delivered folder to something that speaks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from components import catalogue
from components.core.params import ModelSection

if TYPE_CHECKING:
    import torch

    from components.nn.contracts import Auxiliaries, Synthesiser
    from components.nn.conversion import VoiceConverter
    from components.nn.lip_sync import LipSynchroniser
    from components.nn.prompting import PromptedSpeaker


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
    return catalogue.speaker(model).load(section, delivered, auxiliaries, device)


def load_converter(
    model: str, section: ModelSection, delivered: Path, auxiliaries: Auxiliaries, device: torch.device
) -> VoiceConverter:
    """The same for a model that converts voices.

    Raises:
        CorruptFileError, DataError: as `load`.
        ConfigError: no such model, or another content encoder than the one it was trained with.
    """
    return catalogue.converter(model).load_converter(section, delivered, auxiliaries, device)


def load_prompted(
    model: str, section: ModelSection, delivered: Path, auxiliaries: Auxiliaries, device: torch.device
) -> PromptedSpeaker:
    """The same for a model that speaks in the voice of a prompt.

    Raises:
        CorruptFileError, DataError: as `load`.
        ConfigError: no such model, or another codec than the one it was trained with.
    """
    return catalogue.prompted(model).load_prompted(section, delivered, auxiliaries, device)


def load_lip_sync(
    model: str, section: ModelSection, delivered: Path, device: torch.device
) -> LipSynchroniser:
    """The same for a model that moves lips.

    Raises:
        CorruptFileError, DataError: as `load`.
        ConfigError: no such model.
    """
    return catalogue.lip_sync_loader(model)(section, delivered, device)
