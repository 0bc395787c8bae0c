"""A new network takes over what a delivered one has learned; speakers by their names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from components.core.errors import ConfigError
from components.models.rvc.delivery import DISCRIMINATORS_PREFIX, GENERATOR_PREFIX, Card, DeliveredRvc
from components.models.rvc.network import RvcGenerator

_SPEAKERS = "speakers.weight"


def warm_start(generator: RvcGenerator, judges: nn.Module, card: Card, delivered: Path) -> None:
    """Copy weights by name and speakers by id; a new speaker begins as the mean of those that are known.

    Args:
        generator: without weight norm.
        judges: they are needed as much as the generator.
        card: of the network that is to be trained.
        delivered: folder of a delivered RVC.

    Raises:
        ConfigError: other dimensions or another content encoder; both networks are left as they were.
        DataError, CorruptFileError: see `read_delivered`.
    """
    known = DeliveredRvc.read(delivered)
    if known.card.encoder["sha256"] != card.encoder["sha256"]:
        raise ConfigError(
            who=str(delivered),
            expected=f"a network of the features' content encoder {str(card.encoder['sha256'])[:12]}…",
            found=f"one of {str(known.card.encoder['sha256'])[:12]}…",
            action="train from scratch, or compute the features with that encoder",
        )
    theirs = known.part(GENERATOR_PREFIX)
    if _SPEAKERS in theirs:
        theirs[_SPEAKERS] = _by_name(generator.speakers.weight.detach(), theirs[_SPEAKERS], card, known.card)
    parts = ((generator, theirs), (judges, known.part(DISCRIMINATORS_PREFIX)))
    for network, weights in parts:
        _require_same_shapes(network.state_dict(), weights, delivered)
    for network, weights in parts:
        network.load_state_dict(dict(weights))


def _by_name(own: Tensor, theirs: Tensor, card: Card, known: Card) -> Tensor:
    """Rows [N, S] in the order of ``card``'s speakers."""
    merged = own.clone()
    if theirs.shape[1:] != own.shape[1:]:
        return theirs
    merged[: len(card.speakers)] = theirs[: len(known.speakers)].mean(dim=0)
    for row, name in enumerate(card.speakers):
        if name in known.speakers:
            merged[row] = theirs[known.speakers.index(name)]
    return merged


def _require_same_shapes(own: Mapping[str, Tensor], theirs: Mapping[str, Tensor], delivered: Path) -> None:
    nothing = torch.Size()
    for name in sorted({*own, *theirs}):
        here = own[name].shape if name in own else nothing
        there = theirs[name].shape if name in theirs else nothing
        if here != there or (name in own) != (name in theirs):
            raise ConfigError(
                who=str(delivered),
                expected=f"{name} of shape {list(here)}, as models.rvc.architecture builds it",
                found=f"shape {list(there)}" if name in theirs else "no such tensor",
                action="use the profile it was trained with, or set models.rvc.training.warm_start to false",
            )
