"""A model one of whose losses is another network: its expert, trained before it and frozen beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from components.core.params import AuxiliarySection, ModelSection
from components.nn.contracts import ModelSpec


@dataclass(frozen=True)
class ExpertReport:
    """What an expert can do, on clips that it did not learn from.

    Attributes:
        figures: name → value.
        reasons: why it may not teach; none where it may.
        told: of the data, lines for a person.
    """

    figures: Mapping[str, float]
    reasons: tuple[str, ...]
    told: tuple[str, ...]


class TaughtSpec(ModelSpec, Protocol):
    """The hooks of a model whose section names a network in ``learns_from``."""

    def examine(
        self,
        section: ModelSection,
        taught_with: AuxiliarySection,
        expert: Path,
        features: Path,
        device: torch.device,
    ) -> ExpertReport:
        """Judge an expert before anything learns from it.

        Args:
            taught_with: ``auxiliaries.<learns_from>``.
            expert: folder of the delivered network.
            features: the model's own store.

        Raises:
            ConfigError: an expert of other dimensions.
            DataError: nothing held out to judge it on.
        """

    def taught_by(self, expert: Path) -> ModelSpec:
        """The same hooks, with the expert at hand in training."""
