"""What a model offers to the stages: features, something to train, something that speaks.

Only these shapes are known to the training loop and to evaluation, so a fifth model is one folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset

from components.core.extraction import Extraction, FeatureReport
from components.core.params import AuxiliarySection, ModelSection, TrainingRun
from components.core.progress import Progress
from components.core.utterance import Language
from components.nn.control import Control
from components.nn.size_limit import SizeLimit
from components.nn.timed_speech import TimedSpeech

Batch = Mapping[str, Any]


@dataclass(frozen=True)
class Phase:
    """One optimiser's turn within a training step. FastPitch has one, a GAN has two.

    Attributes:
        name: "generator", "discriminator", ...
        modules: attribute names of the submodules (or "" for the whole network) that this phase updates.
        optimiser: builds the optimiser over those parameters.
        schedule: learning-rate factor at an optimiser step (0-based); 1.0 is the recipe's rate.
        clip_norm: gradient norm limit; None leaves gradients alone.
    """

    name: str
    modules: tuple[str, ...]
    optimiser: Callable[[list[nn.Parameter]], torch.optim.Optimizer]
    schedule: Callable[[int], float]
    clip_norm: float | None


class TrainableNetwork(Protocol):
    """An ``nn.Module`` whose ``forward(phase, batch, step)`` gives the losses of a phase.

    Going through ``forward`` (not a method of another name) keeps DDP's hooks working.

    Returns a mapping with the scalar tensor ``total`` (what is minimised, mean over the batch) and any
    number of scalar tensors that are logged.
    """

    def __call__(self, phase: str, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Losses of one phase."""


@dataclass(frozen=True)
class Recipe:
    """The numbers of a training run, read from ``models.<name>.training``."""

    batch_size: int
    gradient_accumulation: int
    max_steps: int
    max_cpu_seconds: float
    checkpoint_every_steps: int
    validate_every_steps: int
    keep_checkpoints: int
    max_skipped_steps: int
    ema_decay: float
    precision: str
    seed: int
    anneal_share: float = 0.0
    """The last share of the budget over which the learning rate falls to 0; 0: the schedule alone decides."""
    log_every_steps: int = 1
    """Every how many steps a point of each curve is kept."""
    gradient_checkpointing: bool = False
    """Calls the network's ``enable_gradient_checkpointing()``; asking for it without one is an error."""

    @classmethod
    def of(cls, training: TrainingRun, seed: int, gradient_checkpointing: bool = False) -> Recipe:
        """The run that a ``training`` section asks for."""
        own = {"seed", "gradient_checkpointing"}
        numbers = {one.name: getattr(training, one.name) for one in fields(cls) if one.name not in own}
        return cls(**numbers, seed=seed, gradient_checkpointing=gradient_checkpointing)


@dataclass(frozen=True)
class TrainingTask:
    """Everything the loop needs. Samples are mappings of tensors; ``collate`` pads them to a batch.

    A training dataset with an attribute ``lengths`` (one number per sample) is batched by similar length.
    """

    network: nn.Module
    phases: tuple[Phase, ...]
    train: Dataset[Mapping[str, Any]]
    validation: Dataset[Mapping[str, Any]]
    collate: Callable[[Sequence[Mapping[str, Any]]], Batch]
    recipe: Recipe
    identity: Mapping[str, Any]
    """What a checkpoint must agree on to be resumed: symbols, speakers, dimensions (JSON)."""
    deliver: Callable[[Mapping[str, Tensor], Path], None]
    """Writes the delivered model (safetensors + model.json) from the (EMA) weights into an empty folder."""
    limit: SizeLimit | None = None
    """More forward passes of fewer samples where the samples of a step are long; the step stays the same."""


@dataclass(frozen=True)
class Speech:
    """Mono audio in [-1, 1]."""

    samples: NDArray[np.float32]
    sample_rate: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate


@dataclass(frozen=True)
class Auxiliaries:
    """The networks that serve models and that no retraining changes.

    Attributes:
        folder: holds the delivered ones, one folder each (``pretrained/``).
        sections: name → ``auxiliaries.<name>`` of params.yaml, which evidence is bound to; one that is not
            here is taken as it was delivered.
    """

    folder: Path
    sections: Mapping[str, AuxiliarySection]


class Synthesiser(Protocol):
    """A delivered text-to-speech model, ready to speak."""

    sample_rate: int
    speakers: tuple[str, ...]
    consents: Mapping[str, str]
    """Speaker → id of the consent record that allows the voice; labels of generated media carry it."""
    device: torch.device
    dtype: str
    weights_sha256: str

    def stream(self, text: str, language: Language, speaker: str) -> Iterator[NDArray[np.float32]]:
        """Chunks of samples as they become ready; a model that cannot stream yields one.

        Raises:
            DataError: empty text, unknown language or speaker.
        """

    def synthesise_timed(
        self,
        text: str,
        language: Language,
        speaker: str,
        control: Control,
        word_controls: Mapping[int, Control],
    ) -> TimedSpeech:
        """The whole utterance, with the times of its sounds and words.

        Args:
            control: of the utterance.
            word_controls: number of a word (see `components.text.Phonemes`) → its own control.

        Raises:
            DataError: also for a word that the text does not have.
        """


class ModelSpec(Protocol):
    """The hooks of one model, in its spec.py as ``SPEC``; what they load is `SpeakingSpec`'s and others'."""

    name: str

    def extract_features(
        self, section: ModelSection, extraction: Extraction, auxiliaries: Auxiliaries
    ) -> FeatureReport:
        """Write this model's features.

        Args:
            auxiliaries: the networks of the section's ``features_need``. Other weights of theirs are other
                features, so their hash belongs into the key of what is stored.
        """

    def training_task(
        self, section: ModelSection, features: Path, seed: int, warm_start: Path | None
    ) -> TrainingTask:
        """The network (weights from the delivered model in ``warm_start``, if given) and its data."""


class SpeakingSpec(ModelSpec, Protocol):
    """The hooks of a model of the kind ``text_to_speech``."""

    def load(
        self, section: ModelSection, delivered: Path, auxiliaries: Auxiliaries, device: torch.device
    ) -> Synthesiser:
        """A delivered model, its hash checked."""


class AuxiliarySpec(Protocol):
    """The hooks of an auxiliary network, in its spec.py as ``SPEC``. A retraining never trains it."""

    name: str

    def prepare(self, section: AuxiliarySection, extraction: Extraction) -> FeatureReport:
        """Write what it learns from: incremental, atomic, memory-mapped."""

    def training_task(
        self, section: AuxiliarySection, features: Path, seed: int, warm_start: Path | None
    ) -> TrainingTask:
        """The network and its data."""

    def measure(
        self,
        section: AuxiliarySection,
        delivered: Path,
        features: Path,
        device: torch.device,
        progress: Progress,
    ) -> Mapping[str, float]:
        """Held-out figures of a delivered network, for its card: ``per``, ``per_ko``, ``n_ko`` …"""


@runtime_checkable
class IteratedSpec(AuxiliarySpec, Protocol):
    """An auxiliary network that is trained several times, each time on what the last one found (HuBERT)."""

    def next_features(
        self,
        section: AuxiliarySection,
        delivered: Path,
        features: Path,
        iteration: int,
        seed: int,
        device: torch.device,
        progress: Progress,
    ) -> tuple[Path, Path | None] | None:
        """What the next iteration learns from.

        Args:
            delivered: the network that ``iteration`` gave.
            features: what `prepare` wrote.
            iteration: the one that has ended; the first is 1.

        Returns:
            The ``features`` and the ``warm_start`` of the next `training_task`; None: that was the last.
            Called again with the same arguments, it gives what is there already.
        """
