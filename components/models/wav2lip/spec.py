"""Wav2Lip's hooks for the stages."""

from __future__ import annotations

from pathlib import Path

import torch

from components.auxiliaries.syncnet.params import Section as SyncSection
from components.core.extraction import Extraction, FeatureReport
from components.core.params import AuxiliarySection, ModelSection, narrowed
from components.models.wav2lip import task
from components.models.wav2lip.delivery import NAME
from components.models.wav2lip.expert import examine, unfound
from components.models.wav2lip.params import Section
from components.nn.contracts import Auxiliaries, ModelSpec, TrainingTask
from components.nn.taught import ExpertReport


class Wav2LipSpec:
    """See `components.nn.taught.TaughtSpec`; `rendering.load_lip_sync` loads what it delivers.

    Args:
        syncnet: folder of the delivered SyncNet that it learns from; None: none at hand, so no training.
    """

    name = NAME

    def __init__(self, syncnet: Path | None = None) -> None:
        self._syncnet = syncnet

    def extract_features(
        self, section: ModelSection, extraction: Extraction, auxiliaries: Auxiliaries
    ) -> FeatureReport:
        """See `task.extract_features`.

        Raises:
            DataError: no usable clip.
            ValidationBlockedError: the data gate refuses.
        """
        return task.extract_features(narrowed(section, Section), extraction)

    def examine(
        self,
        section: ModelSection,
        taught_with: AuxiliarySection,
        expert: Path,
        features: Path,
        device: torch.device,
    ) -> ExpertReport:
        """See `expert.examine`."""
        return examine(
            narrowed(section, Section), narrowed(taught_with, SyncSection), expert, features, device
        )

    def taught_by(self, expert: Path) -> ModelSpec:
        """See the protocol."""
        return Wav2LipSpec(expert)

    def training_task(
        self, section: ModelSection, features: Path, seed: int, warm_start: Path | None
    ) -> TrainingTask:
        """See `task.training_task`.

        Raises:
            DataError: no SyncNet at hand.
        """
        if self._syncnet is None:
            raise unfound(features)
        return task.training_task(narrowed(section, Section), features, seed, warm_start, self._syncnet)


SPEC = Wav2LipSpec()
