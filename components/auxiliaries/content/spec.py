"""The content encoder's hooks for `make pretrain`: clips, masked prediction, and targets of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from components.auxiliaries.content.contract import NAME
from components.auxiliaries.content.dataset import MaskedSpeech, collate
from components.auxiliaries.content.encoder import encoder_weights, load
from components.auxiliaries.content.measure import choice_of, measure, vectors_of
from components.auxiliaries.content.network import MaskedPrediction
from components.auxiliaries.content.params import Section
from components.auxiliaries.content.prepare import prepare
from components.auxiliaries.content.targets import read_targets, write_targets
from components.core.extraction import Extraction, FeatureReport
from components.core.params import AuxiliarySection, narrowed
from components.core.progress import Progress
from components.nn.contracts import Recipe, TrainingTask
from components.nn.delivered import read_delivered
from components.nn.held_out import HeldOut, MeasuredSpec
from components.nn.single_phase import single_phase_task, warmed_up


class ContentSpec(MeasuredSpec):
    """See `components.nn.contracts.IteratedSpec`."""

    name = NAME

    def prepare(self, section: AuxiliarySection, extraction: Extraction) -> FeatureReport:
        """Clips of `model` voices and recorded people, and clusters of their cepstra; see `prepare.prepare`.

        Raises:
            DataError: no usable recording.
        """
        e = extraction
        return prepare(
            narrowed(section, Section), e.audio.log_floor, e.corpora, e.target, e.seed, e.workers, e.progress
        )

    def training_task(
        self, section: AuxiliarySection, features: Path, seed: int, warm_start: Path | None
    ) -> TrainingTask:
        """The network and its data.

        Args:
            features: a prepared folder (first iteration), or what `next_features` gave.
            warm_start: a delivered encoder of the same dimensions. Its projection and codewords are not
                taken over: they are of other clusters.

        Raises:
            DataError: a split without clips, or no delivered encoder in ``warm_start``.
            CorruptFileError: targets that are not of the clips.
        """
        typed, targets = narrowed(section, Section), read_targets(features)
        training, architecture = typed.training, typed.architecture
        card = {
            "architecture": architecture.model_dump(mode="json"),
            "iteration": targets.iteration,
            "clusters": targets.clusters,
            "targets_sha256": targets.sha256,
            "masking": training.masking.model_dump(mode="json"),
        }
        task = single_phase_task(
            NAME,
            card,
            training,
            seed,
            phase=warmed_up("hubert", ("",), training),
            network=_initial_network(typed, targets.clusters, seed, warm_start),
            train=MaskedSpeech(targets, "train", architecture, training),
            validation=MaskedSpeech(targets, "validation", architecture, training),
            collate=collate,
        )
        share = training.iterations[targets.iteration - 1].budget_share
        return replace(task, recipe=_share_of(task.recipe, share))

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
        """The next iteration's targets: clusters of a layer of the network that this one delivered.

        Raises:
            DataError, CorruptFileError: unusable weights or clips.
        """
        typed = narrowed(section, Section)
        rounds = typed.training.iterations
        if iteration >= len(rounds):
            return None
        wanted = rounds[iteration].layer
        encoder = load(delivered, choice_of(typed.architecture, wanted), device, typed.architecture)
        found = write_targets(
            features,
            typed.training,
            iteration + 1,
            vectors_of(encoder, read_targets(features).store),
            encoder.sha256,
            seed,
            progress,
        )
        return found, delivered if typed.training.continue_weights else None

    def figures(self, section: AuxiliarySection, held_out: HeldOut) -> Mapping[str, float]:
        """Held-out figures; see `measure.measure`."""
        h = held_out
        return measure(narrowed(section, Section), h.delivered, h.features, h.device, h.progress)


def _initial_network(section: Section, clusters: int, seed: int, warm_start: Path | None) -> MaskedPrediction:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = MaskedPrediction(section.architecture, section.training, clusters)
    if warm_start is not None:
        network.encoder.load_state_dict(encoder_weights(read_delivered(warm_start, NAME).weights))
    return network


def _share_of(recipe: Recipe, share: float) -> Recipe:
    """The same recipe with this share of the steps and of the CPU time."""
    return replace(
        recipe,
        max_steps=max(1, round(recipe.max_steps * share)),
        max_cpu_seconds=recipe.max_cpu_seconds * share,
    )


SPEC = ContentSpec()
