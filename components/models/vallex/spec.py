"""VALL-E X's hooks for the stages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from components.auxiliaries.codec.build import of
from components.core.extraction import Extraction, FeatureReport
from components.core.params import ModelSection, narrowed
from components.models.vallex import task
from components.models.vallex.delivery import NAME
from components.models.vallex.params import Section
from components.models.vallex.speaker import VallexSpeaker
from components.nn.contracts import Auxiliaries, TrainingTask
from components.nn.device import best_device
from components.nn.prompting import PromptedSpeaker


class VallexSpec:
    """See `components.nn.prompting.PromptedSpec`."""

    name = NAME

    def extract_features(
        self, section: ModelSection, extraction: Extraction, auxiliaries: Auxiliaries
    ) -> FeatureReport:
        """See `task.extract_features`; the codec is the one that ``architecture`` names.

        Raises:
            DataError: no usable recording, or no codec there.
            ConfigError, CorruptFileError: see `components.auxiliaries.codec.build.of`.
        """
        typed = narrowed(section, Section)
        codec = of(auxiliaries, task.codec_choice(typed.architecture), best_device())
        return task.extract_features(typed, extraction, codec)

    def training_task(
        self, section: ModelSection, features: Path, seed: int, warm_start: Path | None
    ) -> TrainingTask:
        """See `task.training_task`."""
        return task.training_task(narrowed(section, Section), features, seed, warm_start)

    def load_prompted(
        self, section: ModelSection, delivered: Path, auxiliaries: Auxiliaries, device: torch.device
    ) -> PromptedSpeaker:
        """A delivered VALL-E X with its codec, ready to speak.

        Raises:
            CorruptFileError: the weights are not the ones that were delivered.
            DataError: no delivered VALL-E X or no codec there.
            ConfigError: another codec than the one it was trained with.
        """
        typed = narrowed(section, Section)
        timbre = typed.inference.timbre
        choice = replace(task.codec_choice(typed.architecture), timbre=timbre.network if timbre else "")
        codec = of(auxiliaries, choice, device)
        return VallexSpeaker(typed, delivered, codec, device)


SPEC = VallexSpec()
