"""A delivered Wav2Lip on disk: generator and judge, and how it hears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from components.auxiliaries.syncnet.params import Architecture as TowerArchitecture
from components.core.errors import ConfigError
from components.features.lip_mel import LipHearing
from components.features.mel import MelAnalysis
from components.models.wav2lip.params import Architecture
from components.nn.delivered import read_delivered, write_delivered

NAME = "wav2lip"
GENERATOR_PREFIX, JUDGE_PREFIX = "generator.", "judge."


@dataclass(frozen=True)
class Card:
    """What is known of a network besides its weights; JSON in ``model.json``.

    Attributes:
        architecture: dimensions.
        hearing: of the mels that it learned from.
        syncnet_sha256: of the SyncNet that was its loss; the judge of its evaluation must be another.
    """

    architecture: Architecture
    hearing: LipHearing
    syncnet_sha256: str
    tower: TowerArchitecture | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "architecture": self.architecture.model_dump(mode="json"),
            "hearing": asdict(self.hearing),
            "syncnet_sha256": self.syncnet_sha256,
            "tower": self.tower.model_dump(mode="json") if self.tower else None,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Card:
        """What `to_json` gave."""
        hearing = dict(values["hearing"])
        return cls(
            Architecture.model_validate(values["architecture"]),
            LipHearing(MelAnalysis(**hearing.pop("mel")), **hearing),
            values["syncnet_sha256"],
            TowerArchitecture.model_validate(values["tower"]) if values.get("tower") else None,
        )


def deliver(
    weights: Mapping[str, Tensor],
    folder: Path,
    *,
    card: Card,
    consents: Mapping[str, str],
    dtype: torch.dtype,
) -> None:
    """Write generator and judge, with the consents of whom they learned from.

    The judge is of no use for rendering; every retraining begins from what was delivered, and a generator
    that meets a new judge unlearns. SyncNet is an auxiliary network's own.
    """
    kept = {
        name: value for name, value in weights.items() if name.startswith((GENERATOR_PREFIX, JUDGE_PREFIX))
    }
    contents = {**card.to_json(), "consents": dict(consents)}
    write_delivered(kept, folder, model=NAME, card=contents, dtype=dtype)


@dataclass(frozen=True)
class DeliveredWav2Lip:
    """A delivered network, read and checked."""

    card: Card
    weights: Mapping[str, Tensor]
    sha256: str

    @classmethod
    def read(cls, folder: Path) -> DeliveredWav2Lip:
        """Of a folder that `deliver` filled.

        Raises:
            DataError, CorruptFileError: see `read_delivered`.
        """
        found = read_delivered(folder, NAME)
        return cls(Card.from_json(found.card), found.weights, found.sha256)

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The weights under a prefix, without it."""
        return {
            name.removeprefix(prefix): value
            for name, value in self.weights.items()
            if name.startswith(prefix)
        }


def begin_from(generator: nn.Module, judge: nn.Module, delivered: Path) -> None:
    """Copy a delivered network's weights into a new one.

    Raises:
        ConfigError: other dimensions; both networks are left as they were.
        DataError, CorruptFileError: see `read_delivered`.
    """
    known = DeliveredWav2Lip.read(delivered)
    parts = ((generator, known.part(GENERATOR_PREFIX)), (judge, known.part(JUDGE_PREFIX)))
    for network, theirs in parts:
        own = network.state_dict()
        for name in sorted({*own, *theirs}):
            here = list(own[name].shape) if name in own else None
            there = list(theirs[name].shape) if name in theirs else None
            if here != there:
                raise ConfigError(
                    who=str(delivered),
                    expected=f"{name} of shape {here}, as models.wav2lip.architecture builds it",
                    found=str(there),
                    action="train from scratch (warm_start: false), or use those dimensions",
                )
    for network, theirs in parts:
        network.load_state_dict(theirs)
