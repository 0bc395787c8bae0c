"""RVC's hooks for the stages."""

from __future__ import annotations

from pathlib import Path

import torch

from components.core.extraction import Extraction, FeatureReport
from components.core.params import ModelSection, narrowed
from components.models.rvc import task
from components.models.rvc.delivery import NAME
from components.models.rvc.loading import content_encoder, load_converter
from components.models.rvc.params import Section
from components.nn.contracts import Auxiliaries, TrainingTask
from components.nn.conversion import VoiceConverter
from components.nn.device import best_device


class RvcSpec:
    """See `components.nn.conversion.ConvertingSpec`."""

    name = NAME

    def extract_features(
        self, section: ModelSection, extraction: Extraction, auxiliaries: Auxiliaries
    ) -> FeatureReport:
        """See `task.extract_features`; the content encoder is the one that ``architecture`` names.

        Raises:
            DataError: no usable recording, or no content encoder there.
            ConfigError, CorruptFileError: see `components.auxiliaries.content.encoder.of`.
        """
        typed = narrowed(section, Section)
        encoder = content_encoder(typed.architecture, auxiliaries, best_device())
        return task.extract_features(typed, extraction, encoder)

    def training_task(
        self, section: ModelSection, features: Path, seed: int, warm_start: Path | None
    ) -> TrainingTask:
        """See `task.training_task`."""
        return task.training_task(narrowed(section, Section), features, seed, warm_start)

    def load_converter(
        self, section: ModelSection, delivered: Path, auxiliaries: Auxiliaries, device: torch.device
    ) -> VoiceConverter:
        """See `loading.load_converter`."""
        return load_converter(section, delivered, auxiliaries, device)


SPEC = RvcSpec()
