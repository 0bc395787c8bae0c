"""A new network takes over what a delivered one has learned."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from components.core.errors import ConfigError
from components.models.fastpitch.network import FastPitch
from components.models.fastpitch.voices import Voices
from components.nn.delivered import read_delivered

NAME = "fastpitch"


def warm_start(network: FastPitch, voices: Voices, delivered: Path) -> None:
    """Copy weights by name; rows of the symbol, speaker and language tables by what they stand for.

    A corpus with a new speaker or symbol keeps everything else: only the new rows start fresh.

    Raises:
        ConfigError: the delivered network has other dimensions; ``network`` is left as it was.
        DataError, CorruptFileError: see `read_delivered`.
    """
    model = read_delivered(delivered, NAME)
    known = Voices.from_json(model.card["voices"])
    inventories: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
        "symbol_embedding.weight": (voices.symbols.names, known.symbols.names),
        "speaker_table.weight": (voices.speakers, known.speakers),
        "language_embedding.weight": (voices.languages, known.languages),
    }
    state = network.state_dict()
    merged: dict[str, Tensor] = {}
    for name, own in state.items():
        theirs = model.weights.get(name)
        expected = own.shape[1:] if name in inventories else own.shape
        found = None if theirs is None else theirs.shape[1:] if name in inventories else theirs.shape
        if theirs is None or found != expected:
            raise _other_dimensions(delivered, name, own, theirs)
        merged[name] = _by_row(own, theirs, *inventories[name]) if name in inventories else theirs
    network.load_state_dict(merged)


def _by_row(own: Tensor, theirs: Tensor, names: tuple[str, ...], known: tuple[str, ...]) -> Tensor:
    """[N, C] and [M, C] → [N, C]: rows that both have from ``theirs``, the others as they are."""
    places = {name: place for place, name in enumerate(known)}
    shared = [(row, places[name]) for row, name in enumerate(names) if name in places]
    merged = own.clone()
    if shared:
        here, there = (torch.tensor(rows) for rows in zip(*shared, strict=True))
        merged[here] = theirs[there].to(merged.dtype)
    return merged


def _other_dimensions(delivered: Path, name: str, own: Tensor, theirs: Tensor | None) -> ConfigError:
    return ConfigError(
        who=str(delivered),
        expected=f"{name} of shape {list(own.shape)}, as models.fastpitch.architecture builds it",
        found="no such tensor" if theirs is None else f"shape {list(theirs.shape)}",
        action="use the profile it was trained with, or set models.fastpitch.training.warm_start to false",
    )
