"""The vocoder's hooks: what it learns from, how, and what it is measured by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from components.auxiliaries.vocoder.build import NAME, build
from components.auxiliaries.vocoder.clips import ClipStore
from components.auxiliaries.vocoder.dataset import ClipDataset, collate
from components.auxiliaries.vocoder.fidelity import fidelity, mean_fidelity
from components.auxiliaries.vocoder.hifi_gan import HifiGanGenerator
from components.auxiliaries.vocoder.loss import HifiGan
from components.auxiliaries.vocoder.params import Architecture, Section, Training
from components.auxiliaries.vocoder.pitch_network import PitchLearner, PitchNetwork
from components.auxiliaries.vocoder.preparation import prepare
from components.core.errors import ConfigError
from components.core.extraction import Extraction, FeatureReport
from components.core.params import AuxiliarySection, narrowed
from components.features.mel import MelAnalysis
from components.features.pitch import PitchAnalysis
from components.nn.adversarial import DISCRIMINATOR, GENERATOR
from components.nn.contracts import Phase, Recipe, TrainingTask
from components.nn.delivered import read_delivered, write_delivered
from components.nn.held_out import HeldOut, MeasuredSpec
from components.nn.weight_norm import add_weight_norm, folded

if TYPE_CHECKING:
    from torch.optim import Optimizer

_STEPS_OF_DECAY = 1000
_LEARNER_PREFIX, _GENERATOR_PREFIX = "network.", "generator."


class VocoderSpec(MeasuredSpec):
    """See `components.nn.contracts.AuxiliarySpec`. What is trained follows ``architecture.kind``.

    hifi_gan: generator and discriminators. source_filter: the pitch network. griffin_lim: nothing.
    """

    name = NAME

    def prepare(self, section: AuxiliarySection, extraction: Extraction) -> FeatureReport:
        """Samples, mel and f0 of the `model` voices and of recorded people; see `preparation.prepare`.

        Raises:
            DataError: no usable recording.
        """
        typed, e, audio = narrowed(section, Section), extraction, extraction.audio
        return prepare(
            e.corpora,
            MelAnalysis.of(typed.architecture, audio.log_floor),
            PitchAnalysis(method=audio.f0_method, floor=audio.f0_floor_hz, ceil=audio.f0_ceil_hz),
            typed.training,
            e.target,
            e.seed,
            e.workers,
            e.progress,
        )

    def training_task(
        self, section: AuxiliarySection, features: Path, seed: int, warm_start: Path | None
    ) -> TrainingTask:
        """The network of the kind and its data.

        Args:
            warm_start: folder of a delivered vocoder of the same kind and dimensions to begin from.

        Raises:
            ConfigError: griffin_lim, which has no weights; or a warm start that does not fit.
            DataError: a split without clips.
        """
        typed, store = narrowed(section, Section), ClipStore(features)
        kind = typed.architecture.kind
        if kind == "griffin_lim":
            raise _nothing_to_train()
        analysis = MelAnalysis(**store.summary["mel"])
        with_samples = kind == "hifi_gan"
        train = ClipDataset(store, "train", analysis, typed.training, with_samples)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = _network(typed, analysis, train)
        if warm_start is not None:
            _begin_from(network, warm_start, kind)
        architecture = typed.architecture.model_dump(mode="json")
        card = {"architecture": architecture, "log_floor": analysis.log_floor}
        return TrainingTask(
            network=network,
            phases=_phases(typed),
            train=train,
            validation=ClipDataset(store, "validation", analysis, typed.training, with_samples),
            collate=collate,
            recipe=Recipe.of(typed.training, seed),
            identity={"model": NAME, **card},
            deliver=partial(
                _deliver, architecture=typed.architecture, card=card, dtype=typed.training.delivered_dtype
            ),
        )

    def figures(self, section: AuxiliarySection, held_out: HeldOut) -> Mapping[str, float]:
        """Copy synthesis of test clips from the mel alone: the vocoder finds f0 for itself.

        Returns:
            mel_l1, gross_f0_error, voicing_error (shares), n clips; see `fidelity.Fidelity.figures`.
        """
        typed, store = narrowed(section, Section), ClipStore(held_out.features)
        analysis, pitch = MelAnalysis(**store.summary["mel"]), PitchAnalysis(**store.summary["pitch"])
        vocoder = build(typed.architecture, analysis.log_floor, held_out.delivered, held_out.device)
        parts = []
        rows = store.spread("test", typed.training.validation_clips)
        for row in held_out.progress.track(rows, len(rows), "clips"):
            known = store.views(row)
            copy = vocoder(torch.from_numpy(known["mel"].copy())).cpu().numpy().astype(np.float32)
            parts.append(fidelity(known["mel"], known["f0"], copy, analysis, pitch))
        return mean_fidelity(parts)


def _network(section: Section, analysis: MelAnalysis, train: ClipDataset) -> nn.Module:
    architecture = section.architecture
    if architecture.kind == "hifi_gan":
        return HifiGan(architecture, analysis, section.training)
    network = PitchNetwork(architecture.pitch_network, analysis.n_mels)
    centre, spread = train.statistics()
    network.centre.fill_(centre)
    network.spread.fill_(spread)
    return PitchLearner(network)


def _begin_from(network: nn.Module, delivered: Path, kind: str) -> None:
    weights = read_delivered(delivered, NAME)
    found = weights.card["architecture"]["kind"]
    if not isinstance(network, PitchLearner) or found != kind:
        raise ConfigError(
            who=f"warm start of the vocoder from {delivered}",
            expected="a pitch network, for a pitch network (a GAN's judges are not delivered)",
            found=f"{found} for {kind}",
            action="train from the start, or resume from the training folder's checkpoints",
        )
    network.network.load_state_dict(dict(weights.weights))


def _phases(section: Section) -> tuple[Phase, ...]:
    training = section.training
    names = {"pitch": ("network",)}
    if section.architecture.kind == "hifi_gan":
        names = {DISCRIMINATOR: ("discriminators",), GENERATOR: ("generator",)}
    return tuple(
        Phase(
            name=name,
            modules=modules,
            optimiser=_optimiser(training),
            schedule=partial(_rate, training=training),
            clip_norm=training.gradient_clip_norm or None,
        )
        for name, modules in names.items()
    )


def _optimiser(training: Training) -> Callable[[list[nn.Parameter]], Optimizer]:
    def build_optimiser(parameters: list[nn.Parameter]) -> Optimizer:
        return torch.optim.AdamW(
            parameters, lr=training.learning_rate, betas=training.betas, weight_decay=training.weight_decay
        )

    return build_optimiser


def _rate(step: int, training: Training) -> float:
    """Rate factor: up over the warm-up, falling by ``rate_decay`` every 1,000 steps (an epoch, roughly)."""
    rise = min(1.0, (step + 1) / max(1, training.warmup_steps))
    return float(rise * training.rate_decay ** (step / _STEPS_OF_DECAY))


def _deliver(
    weights: Mapping[str, Tensor],
    folder: Path,
    *,
    architecture: Architecture,
    card: Mapping[str, Any],
    dtype: str,
) -> None:
    """The generator with plain weights, or the pitch network; judges stay behind."""
    if architecture.kind == "hifi_gan":
        generator = HifiGanGenerator(architecture.generator, architecture.n_mels)
        add_weight_norm(generator)
        plain = folded(generator, weights, _GENERATOR_PREFIX)
    else:
        plain = {name.removeprefix(_LEARNER_PREFIX): value for name, value in weights.items()}
    write_delivered(plain, folder, model=NAME, card=card, dtype=getattr(torch, dtype))


def _nothing_to_train() -> ConfigError:
    return ConfigError(
        who="auxiliaries.vocoder.architecture.kind",
        expected="hifi_gan or source_filter",
        found="griffin_lim, which has no weights",
        action="choose one of these to train it; griffin_lim needs no training",
    )


SPEC = VocoderSpec()
