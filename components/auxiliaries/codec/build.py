"""The codec that a model asks for: the delivered one or a published one."""

from __future__ import annotations

import torch

from components.auxiliaries.codec.contract import NAME, SHIPPED, Choice, Codec
from components.core.errors import ConfigError
from components.nn.contracts import Auxiliaries


def of(auxiliaries: Auxiliaries, choice: Choice, device: torch.device) -> Codec:
    """The codec of ``models.vallex.architecture.codec``.

    Args:
        auxiliaries: folder of the delivered ones.
        choice: which one; ``pretrained/codec`` is the delivered one.
        device: where it computes.

    Raises:
        ConfigError: another rate or other codebooks than were asked for.
        DataError: nothing delivered, or no safetensors.
        CorruptFileError: the weights are not the ones that were delivered.
    """
    if choice.checkpoint != SHIPPED:
        from components.auxiliaries.codec.encodec import from_hub

        return from_hub(choice, device)
    from components.auxiliaries.codec.trained import load

    codec = load(auxiliaries.folder / NAME, device)
    found = (codec.sample_rate, codec.sample_rate // codec.hop, codec.n_codebooks, codec.codebook_size)
    if found != (choice.sample_rate, choice.frame_rate, choice.n_codebooks, choice.codebook_size):
        raise ConfigError(
            who=f"codec in {auxiliaries.folder / NAME}",
            expected=f"{choice.sample_rate} Hz, {choice.frame_rate} frames a second, {choice.n_codebooks} "
            f"codebooks of {choice.codebook_size}, as models.vallex.architecture has it",
            found="{} Hz, {} frames a second, {} codebooks of {}".format(*found),
            action="run `make pretrain MODEL=codec`, or choose the profile that the weights were made with",
        )
    return codec
