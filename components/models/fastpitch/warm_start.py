"""A new network takes over what a delivered one has learned."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from components.core.errors import ConfigError
from components.models.fastpitch.network import FastPitch
from components.models.fastpitch.voices import Voices
from components.nn.delivered import read_delivered
from components.text.symbols import INVENTORY_VERSION

NAME = "fastpitch"


def warm_start(network: FastPitch, voices: Voices, delivered: Path) -> None:
    """Copy weights by name; rows of the symbol, speaker and language tables by what they stand for.

    A corpus with a new speaker or symbol keeps everything else: only the new rows start fresh.

    Raises:
        ConfigError: the delivered network has other dimensions, or knows another version of the symbols;
            ``network`` is left as it was.
        DataError, CorruptFileError: see `read_delivered`.
    """
    model = read_delivered(delivered, NAME)
    require_symbols_version(model.card, delivered)
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


def require_symbols_version(card: Mapping[str, Any], delivered: Path) -> None:
    """Refuse a checkpoint whose symbols have the names of today's but stand for something else.

    Raises:
        ConfigError: its inventory has another version than `components.text`'s.
    """
    found = card.get("symbols_version", 1)  # the first deliveries did not say
    if found != INVENTORY_VERSION:
        raise ConfigError(
            who=str(delivered),
            expected=f"symbols of inventory version {INVENTORY_VERSION}",
            found=f"version {found}",
            action="train it again from scratch: the text front-end has changed",
        )


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
