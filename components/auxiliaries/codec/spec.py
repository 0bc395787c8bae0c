"""The codec's hooks for `make pretrain`: what it learns from, how, and what it is measured by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from components.auxiliaries.codec.clips import ClipStore
from components.auxiliaries.codec.contract import NAME
from components.auxiliaries.codec.dataset import ClipDataset, collate
from components.auxiliaries.codec.loss import CodecLearner
from components.auxiliaries.codec.measure import measure
from components.auxiliaries.codec.network import CodecNetwork
from components.auxiliaries.codec.params import Architecture, Section
from components.auxiliaries.codec.preparation import prepare
from components.core.errors import ConfigError
from components.core.extraction import Extraction, FeatureReport
from components.core.params import AuxiliarySection, narrowed
from components.features.mel import MelAnalysis
from components.features.pitch import PitchAnalysis
from components.nn.contracts import TrainingTask
from components.nn.delivered import read_delivered
from components.nn.held_out import HeldOut, MeasuredSpec
from components.nn.single_phase import single_phase_task, warmed_up

#: What only training needs of the quantiser.
_LEFT_BEHIND = ("quantiser.counts", "quantiser.sums", "quantiser.begun")


class CodecSpec(MeasuredSpec):
    """See `components.nn.contracts.AuxiliarySpec`."""

    name = NAME

    def prepare(self, section: AuxiliarySection, extraction: Extraction) -> FeatureReport:
        """Samples and f0 of the `model` voices and of recorded people; see `preparation.prepare`.

        Raises:
            DataError: no usable recording.
        """
        a = narrowed(section, Section).architecture
        e, audio = extraction, extraction.audio
        pitch = PitchAnalysis(audio.f0_method, a.f0_floor_hz, a.f0_ceil_hz)
        mel = MelAnalysis.of(a, audio.log_floor)
        return prepare(e.corpora, mel, pitch, e.target, e.workers, e.progress)

    def training_task(
        self, section: AuxiliarySection, features: Path, seed: int, warm_start: Path | None
    ) -> TrainingTask:
        """The network and its data.

        Args:
            warm_start: folder of a delivered codec of the same dimensions to begin from.

        Raises:
            ConfigError: a warm start of other dimensions.
            DataError: a split without clips.
        """
        typed, store = narrowed(section, Section), ClipStore(features)
        a, training = typed.architecture, typed.training
        analysis = MelAnalysis(**store.summary["mel"])
        train = ClipDataset(store, "train", a, training)
        card = {
            "architecture": a.model_dump(mode="json"),
            "log_floor": analysis.log_floor,
            "f0_method": store.summary["pitch"]["method"],
        }
        return single_phase_task(
            NAME,
            card,
            training,
            seed,
            phase=warmed_up("codec", ("network",), training),
            network=_initial_network(typed, analysis, train, seed, warm_start),
            train=train,
            validation=ClipDataset(store, "validation", a, training),
            collate=collate,
            left_behind=_LEFT_BEHIND,
        )

    def figures(self, section: AuxiliarySection, held_out: HeldOut) -> Mapping[str, float]:
        """Copy synthesis of test clips; see `measure.measure`."""
        h = held_out
        return measure(narrowed(section, Section), h.delivered, h.features, h.device, h.progress)


def _initial_network(
    section: Section, analysis: MelAnalysis, train: ClipDataset, seed: int, warm_start: Path | None
) -> CodecLearner:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        learner = CodecLearner(section.architecture, section.training, analysis.log_floor)
    if warm_start is not None:
        _begin_from(learner.network, section.architecture, warm_start)
        return learner
    found, network = train.statistics(analysis), learner.network
    network.mel_centre.copy_(torch.from_numpy(found.mel_centre))
    network.mel_spread.copy_(torch.from_numpy(found.mel_spread))
    network.pitch_centre.fill_(found.pitch_centre)
    network.pitch_spread.fill_(found.pitch_spread)
    return learner


def _begin_from(network: CodecNetwork, architecture: Architecture, folder: Path) -> None:
    delivered = read_delivered(folder, NAME)
    theirs = Architecture.model_validate(delivered.card["architecture"])
    if theirs != architecture:
        raise ConfigError(
            who=f"warm start of the codec from {folder}",
            expected=f"{architecture.model_dump()}",
            found=f"{theirs.model_dump()}",
            action="train from the start, or choose the profile that the weights were made with",
        )
    network.load_state_dict(dict(delivered.weights), strict=False)
    quantiser = network.quantiser
    quantiser.sums.copy_(quantiser.vectors)
    quantiser.begun.fill_(1.0)


SPEC = CodecSpec()
