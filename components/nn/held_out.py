"""How an auxiliary network's spec is asked for held-out figures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from components.core.params import AuxiliarySection
from components.core.progress import Progress


@dataclass(frozen=True)
class HeldOut:
    """What is measured, and on what.

    Attributes:
        delivered: folder of the network.
        features: what its spec prepared; the test part counts.
        device: where it runs.
        progress: where it tells how far it is.
    """

    delivered: Path
    features: Path
    device: torch.device
    progress: Progress


class MeasuredSpec(ABC):
    """The `measure` of `components.nn.contracts.AuxiliarySpec`, for specs that define `figures`."""

    def measure(
        self,
        section: AuxiliarySection,
        delivered: Path,
        features: Path,
        device: torch.device,
        progress: Progress,
    ) -> Mapping[str, float]:
        """Held-out figures of a delivered network; see `figures`."""
        return self.figures(section, HeldOut(delivered, features, device, progress))

    @abstractmethod
    def figures(self, section: AuxiliarySection, held_out: HeldOut) -> Mapping[str, float]:
        """Name → figure, for the network's card."""
