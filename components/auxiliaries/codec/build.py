"""The codec that a model asks for: the delivered one, a published one, or one that learned nothing."""

from __future__ import annotations

from pathlib import Path

import torch

from components.auxiliaries.codec.contract import NAME, SHIPPED, UNTRAINED, Choice, Codec
from components.auxiliaries.codec.params import Section
from components.core.errors import ConfigError
from components.core.params import narrowed
from components.nn.contracts import Auxiliaries


def of(auxiliaries: Auxiliaries, choice: Choice, device: torch.device) -> Codec:
    """The codec of ``models.vallex.architecture.codec``.

    Args:
        auxiliaries: folder of the delivered ones, and their sections of params.yaml.
        choice: which one; ``pretrained/codec`` is the delivered one.
        device: where it computes.

    Raises:
        ConfigError: another rate or other codebooks than were asked for.
        DataError: nothing delivered, or no safetensors.
        CorruptFileError: the weights are not the ones that were delivered.
    """
    if choice.checkpoint == SHIPPED:
        from components.auxiliaries.codec.trained import load

        voices = auxiliaries.folder / Path(choice.timbre).name if choice.timbre else None
        return _as_asked(load(auxiliaries.folder / NAME, device, choice.n_codebooks, voices), choice)
    if choice.checkpoint == UNTRAINED:
        return _as_asked(_untrained(auxiliaries, choice, device), choice)
    from components.auxiliaries.codec.encodec import from_hub

    return from_hub(choice, device)


def _untrained(auxiliaries: Auxiliaries, choice: Choice, device: torch.device) -> Codec:
    from components.auxiliaries.codec.trained import untrained

    section = auxiliaries.sections.get(NAME)
    if section is None:
        raise ConfigError(
            who=f"codec {choice.checkpoint}",
            expected="its dimensions in auxiliaries.codec.architecture",
            found="no such section",
            action="add it to params.yaml, or take the codec in pretrained/codec",
        )
    return untrained(narrowed(section, Section).architecture, device)


def _as_asked(codec: Codec, choice: Choice) -> Codec:
    found = (codec.sample_rate, codec.sample_rate // codec.hop, codec.n_codebooks, codec.codebook_size)
    if found != (choice.sample_rate, choice.frame_rate, choice.n_codebooks, choice.codebook_size):
        raise ConfigError(
            who=f"codec {choice.checkpoint}",
            expected=f"{choice.sample_rate} Hz, {choice.frame_rate} frames a second, {choice.n_codebooks} "
            f"codebooks of {choice.codebook_size}, as models.vallex.architecture has it",
            found="{} Hz, {} frames a second, {} codebooks of {}".format(*found),
            action="run `make pretrain MODEL=codec`, or choose the profile that the weights were made with",
        )
    return codec
