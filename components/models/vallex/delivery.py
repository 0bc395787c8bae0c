"""A delivered VALL-E X on disk, and a new network that begins from one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from components.core.errors import ConfigError
from components.models.vallex.network import VallexNetwork
from components.models.vallex.params import Architecture
from components.nn.delivered import read_delivered, write_delivered
from components.text import INVENTORY_VERSION

NAME = "vallex"
_PREFIX = "network."
#: Tables whose rows stand for something with a name.
_SYMBOLS = ("ar.text.symbols.weight", "nar.text.symbols.weight")
_LANGUAGES = ("ar.text.languages.weight", "nar.text.languages.weight")


@dataclass(frozen=True)
class Card:
    """What is known of a network besides its weights; JSON in ``model.json``.

    Attributes:
        architecture: dimensions; the order of its languages is that of their vectors.
        symbols: the inventory; a symbol's place is its row.
        symbols_version: of the inventory.
        codec_sha256: of the codec whose codes it speaks.
        speakers: who it learned from, sorted; it can speak in other voices too.
    """

    architecture: Architecture
    symbols: tuple[str, ...]
    symbols_version: int
    codec_sha256: str
    speakers: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "architecture": self.architecture.model_dump(mode="json"),
            "symbols": list(self.symbols),
            "symbols_version": self.symbols_version,
            "codec_sha256": self.codec_sha256,
            "speakers": list(self.speakers),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Card:
        """What `to_json` gave."""
        return cls(
            Architecture.model_validate(values["architecture"]),
            tuple(values["symbols"]),
            values["symbols_version"],
            values["codec_sha256"],
            tuple(values["speakers"]),
        )


def deliver(
    weights: Mapping[str, Tensor],
    folder: Path,
    *,
    card: Card,
    consents: Mapping[str, str],
    dtype: torch.dtype,
) -> None:
    """Write both trained models and their card."""
    own = {name.removeprefix(_PREFIX): value for name, value in weights.items()}
    contents = {**card.to_json(), "consents": dict(consents)}
    write_delivered(own, folder, model=NAME, card=contents, dtype=dtype)


@dataclass(frozen=True)
class DeliveredVallex:
    """A delivered network, read and checked."""

    card: Card
    consents: Mapping[str, str]
    weights: Mapping[str, Tensor]
    sha256: str

    @classmethod
    def read(cls, folder: Path) -> DeliveredVallex:
        """Read a delivered folder.

        Raises:
            DataError: no delivered VALL-E X there, or only a pickle.
            CorruptFileError: the bytes are not the ones that were delivered.
            ConfigError: its symbols are of another version of the inventory.
        """
        found = read_delivered(folder, NAME)
        card = Card.from_json(found.card)
        if card.symbols_version != INVENTORY_VERSION:
            raise ConfigError(
                who=str(folder),
                expected=f"symbols of inventory version {INVENTORY_VERSION}",
                found=f"version {card.symbols_version}",
                action="train it again from scratch: the text front-end has changed",
            )
        return cls(card, found.card["consents"], found.weights, found.sha256)

    def network(self) -> VallexNetwork:
        """The network with its weights, in evaluation."""
        network = VallexNetwork(self.card.architecture)
        network.load_state_dict(dict(self.weights))
        return network.eval().requires_grad_(False)


def warm_start(network: VallexNetwork, card: Card, folder: Path) -> None:
    """Copy weights by name; rows of symbols and languages by what they stand for.

    Args:
        network: to be trained.
        card: of it.
        folder: a delivered VALL-E X.

    Raises:
        ConfigError: other dimensions, another codec or another version of the symbols; ``network`` is left as
            it was.
        DataError, CorruptFileError: see `DeliveredVallex.read`.
    """
    known = DeliveredVallex.read(folder)
    if known.card.codec_sha256 != card.codec_sha256:
        raise ConfigError(
            who=str(folder),
            expected=f"a network of the features' codec {card.codec_sha256[:12]}…",
            found=f"one of {known.card.codec_sha256[:12]}…",
            action="train from scratch, or compute the features with that codec",
        )
    named = {
        **dict.fromkeys(_SYMBOLS, (card.symbols, known.card.symbols)),
        **dict.fromkeys(_LANGUAGES, (card.architecture.languages, known.card.architecture.languages)),
    }
    merged: dict[str, Tensor] = {}
    for name, own in network.state_dict().items():
        theirs = known.weights.get(name)
        skipped = 1 if name in named else 0
        if theirs is None or theirs.shape[skipped:] != own.shape[skipped:]:
            raise _other_dimensions(folder, name, own, theirs)
        merged[name] = _by_row(own, theirs, *named[name]) if name in named else theirs
    network.load_state_dict(merged)


def _by_row(own: Tensor, theirs: Tensor, names: tuple[str, ...], known: tuple[str, ...]) -> Tensor:
    """[N, C]: rows that both have from ``theirs``, the others as they are."""
    places = {name: place for place, name in enumerate(known)}
    merged = own.clone()
    for row, name in enumerate(names):
        if name in places:
            merged[row] = theirs[places[name]]
    return merged


def _other_dimensions(folder: Path, name: str, own: Tensor, theirs: Tensor | None) -> ConfigError:
    return ConfigError(
        who=str(folder),
        expected=f"{name} of shape {list(own.shape)}, as models.vallex.architecture builds it",
        found="no such tensor" if theirs is None else f"shape {list(theirs.shape)}",
        action="use the profile it was trained with, or set models.vallex.training.warm_start to false",
    )
