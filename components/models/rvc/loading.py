"""From a delivered folder to a converter, with the content encoder that params.yaml names."""

from __future__ import annotations

from pathlib import Path

import torch

from components.auxiliaries.content.contract import Choice
from components.auxiliaries.content.encoder import of
from components.core.params import ModelSection, narrowed
from components.models.rvc.converter import RvcConverter
from components.models.rvc.params import Architecture, Section
from components.nn.contracts import Auxiliaries
from components.nn.conversion import ContentEncoder, VoiceConverter


def content_encoder(
    architecture: Architecture, auxiliaries: Auxiliaries, device: torch.device
) -> ContentEncoder:
    """The encoder of ``models.rvc.architecture.content_encoder``.

    Raises:
        ConfigError, DataError, CorruptFileError: see `components.auxiliaries.content.encoder.of`.
    """
    asked = architecture.content_encoder
    return of(auxiliaries, Choice(asked.label, asked.checkpoint, asked.layer, asked.dim), device)


def load_converter(
    section: ModelSection, delivered: Path, auxiliaries: Auxiliaries, device: torch.device
) -> VoiceConverter:
    """A delivered RVC, ready to convert.

    Raises:
        CorruptFileError: the weights are not the ones that were delivered.
        DataError: no delivered RVC or no content encoder there.
        ConfigError: another content encoder than the one it was trained with.
    """
    typed = narrowed(section, Section)
    encoder = content_encoder(typed.architecture, auxiliaries, device)
    return RvcConverter(typed, delivered, encoder, device)
