"""A delivered RVC on disk: generator, judges, and what is needed to find a speaker's own features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from components.core.errors import ConfigError
from components.features.store import PitchStatistics
from components.models.rvc.network import PitchRange, RvcGenerator, add_generator_weight_norm
from components.models.rvc.params import Architecture
from components.nn.conversion import ContentEncoder
from components.nn.delivered import Delivered, read_delivered, write_delivered
from components.nn.weight_norm import folded

NAME = "rvc"
GENERATOR_PREFIX, DISCRIMINATORS_PREFIX, _INDEX_PREFIX = "generator.", "discriminators.", "index."


@dataclass(frozen=True)
class Card:
    """What is known of a network besides its weights; JSON in ``model.json``.

    Attributes:
        architecture: dimensions.
        encoder: label, sha256 and dim of the content encoder whose features it understands.
        pitch_range: of the coarse steps, and of the search for f0.
        f0_method: that found the f0 it learned from.
        highpass_hz: of the filter before everything.
        pitch: speaker id → statistics of ln f0; the order is that of the speakers' table.
    """

    architecture: Architecture
    encoder: Mapping[str, Any]
    pitch_range: PitchRange
    f0_method: str
    highpass_hz: float
    pitch: Mapping[str, PitchStatistics]

    @property
    def speakers(self) -> tuple[str, ...]:
        """Ids, rows of the speakers' table."""
        return tuple(self.pitch)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "architecture": self.architecture.model_dump(mode="json"),
            "encoder": dict(self.encoder),
            "pitch_range": vars(self.pitch_range),
            "f0_method": self.f0_method,
            "highpass_hz": self.highpass_hz,
            "speakers": list(self.pitch),
            "pitch": {name: vars(statistics) for name, statistics in self.pitch.items()},
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Card:
        """What `to_json` gave."""
        return cls(
            Architecture.model_validate(values["architecture"]),
            values["encoder"],
            PitchRange(**values["pitch_range"]),
            values["f0_method"],
            values["highpass_hz"],
            {name: PitchStatistics(**values["pitch"][name]) for name in values["speakers"]},
        )


def deliver(
    weights: Mapping[str, Tensor],
    folder: Path,
    *,
    card: Card,
    consents: Mapping[str, str],
    indices: Mapping[str, Tensor],
    dtype: torch.dtype,
) -> None:
    """Write the trained network: plain generator, judges as they are, and each speaker's centroids [K, D].

    The judges and the posterior encoder are of no use for conversion. They are delivered because every
    retraining begins from a delivered network, and a generator that meets new judges unlearns.
    """
    generator = RvcGenerator(card.architecture, card.pitch_range)
    add_generator_weight_norm(generator)
    plain = {
        GENERATOR_PREFIX + name: value for name, value in folded(generator, weights, GENERATOR_PREFIX).items()
    }
    judges = {name: value for name, value in weights.items() if name.startswith(DISCRIMINATORS_PREFIX)}
    index = {f"{_INDEX_PREFIX}{place}": indices[name] for place, name in enumerate(card.speakers)}
    contents = {**card.to_json(), "consents": dict(consents)}
    write_delivered({**plain, **judges, **index}, folder, model=NAME, card=contents, dtype=dtype)


@dataclass(frozen=True)
class DeliveredRvc:
    """A delivered network, read and checked."""

    card: Card
    consents: Mapping[str, str]
    weights: Mapping[str, Tensor]
    sha256: str

    @classmethod
    def read(cls, folder: Path) -> DeliveredRvc:
        """Of a folder that `deliver` filled.

        Raises:
            DataError, CorruptFileError: see `read_delivered`.
        """
        found: Delivered = read_delivered(folder, NAME)
        return cls(Card.from_json(found.card), found.card["consents"], found.weights, found.sha256)

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The weights under a prefix, without it."""
        return {
            name.removeprefix(prefix): value
            for name, value in self.weights.items()
            if name.startswith(prefix)
        }

    def index(self, speaker: str) -> Tensor:
        """Centroids [K, D] of a speaker."""
        return self.weights[f"{_INDEX_PREFIX}{self.card.speakers.index(speaker)}"]


def require_encoder(card: Card, encoder: ContentEncoder, who: str) -> None:
    """Refuse an encoder that the network does not understand.

    Raises:
        ConfigError: it is another one.
    """
    if card.encoder["sha256"] != encoder.sha256 or card.encoder["dim"] != encoder.dim:
        raise ConfigError(
            who=who,
            expected=f"the content encoder {str(card.encoder['sha256'])[:12]}… that it was made with",
            found=f"{encoder.label} {encoder.sha256[:12]}…",
            action="use that encoder, or compute the features and train again with this one",
        )
