"""The hooks for `make pretrain MODEL=timbre`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from components.auxiliaries.codec.trained import TrainedCodec, load
from components.auxiliaries.timbre.clips import SoundStore, prepare
from components.auxiliaries.timbre.dataset import VoicePairs, collate
from components.auxiliaries.timbre.loss import TimbreLearner
from components.auxiliaries.timbre.params import Section
from components.core.errors import ConfigError
from components.core.extraction import Extraction, FeatureReport
from components.core.params import AuxiliarySection, narrowed
from components.core.paths import project_root
from components.core.utterance import Split
from components.nn.contracts import TrainingTask
from components.nn.delivered import read_delivered
from components.nn.held_out import HeldOut, MeasuredSpec
from components.nn.single_phase import single_phase_task, warmed_up
from components.nn.timbre_network import NAME

_CPU = torch.device("cpu")
_PER_BATCH = 8


class TimbreSpec(MeasuredSpec):
    """See `components.nn.contracts.AuxiliarySpec`. The codec has to be there: it is what this one mends."""

    name = NAME

    def prepare(self, section: AuxiliarySection, extraction: Extraction) -> FeatureReport:
        """Mel and f0, by the codec's analyses, of the `model` voices and of recorded people.

        Raises:
            DataError: no usable recording, or no codec.
            CorruptFileError: the codec's weights are not the ones that were delivered.
        """
        typed = narrowed(section, Section)
        codec = _codec(typed)
        return prepare(extraction, codec.analysis, codec.pitch, typed.training.clips_per_voice)

    def training_task(
        self, section: AuxiliarySection, features: Path, seed: int, warm_start: Path | None
    ) -> TrainingTask:
        """The network and its data.

        Args:
            warm_start: folder of a delivered network of the same dimensions to begin from.

        Raises:
            ConfigError: a warm start of other dimensions or another codec.
            DataError: a split without two clips of one speaker, or no codec.
        """
        typed = narrowed(section, Section)
        a, training, codec = typed.architecture, typed.training, _codec(typed)
        card = {"architecture": a.model_dump(mode="json"), "codec_sha256": codec.weights_sha256}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            learner = TimbreLearner(a, training, codec)
        if warm_start is not None:
            _begin_from(learner, card, warm_start)
        train, validation = (_pairs(typed, features, split, learner) for split in ("train", "validation"))
        return single_phase_task(
            NAME,
            card,
            training,
            seed,
            phase=warmed_up(NAME, ("network",), training),
            network=learner,
            train=train,
            validation=validation,
            collate=collate,
        )

    def figures(self, section: AuxiliarySection, held_out: HeldOut) -> Mapping[str, float]:
        """Mean absolute difference of ln mels on test clips in drawn voices, that no training has drawn.

        ``mel_l1`` with the network, ``copy_l1`` as coded, ``average_l1`` with averages moved alone; ``n``
        stretches of speech.
        """
        typed = narrowed(section, Section)
        learner = TimbreLearner(typed.architecture, typed.training, _codec(typed)).to(held_out.device).eval()
        learner.network.load_state_dict(dict(read_delivered(held_out.delivered, NAME).weights))
        pairs = _pairs(typed, held_out.features, "test", learner)
        sums = {"mel": 0.0, "copy": 0.0, "average": 0.0}
        starts = range(0, len(pairs), _PER_BATCH)
        for start in held_out.progress.track(starts, len(starts), "stretches of speech"):
            count = min(_PER_BATCH, len(pairs) - start)
            batch = collate([pairs[start + place] for place in range(count)])
            with torch.inference_mode():
                told = learner(NAME, {name: one.to(held_out.device) for name, one in batch.items()}, 0)
            for name in sums:
                sums[name] += count * float(told[name])
        return {**{f"{name}_l1": total / len(pairs) for name, total in sums.items()}, "n": float(len(pairs))}


def _codec(section: Section) -> TrainedCodec:
    return load(project_root() / section.architecture.codec, _CPU, section.architecture.n_codebooks)


def _pairs(section: Section, features: Path, split: Split, learner: TimbreLearner) -> VoicePairs:
    return VoicePairs(SoundStore(features), split, section.training, learner.centres.cpu(), learner.floor)


def _begin_from(learner: TimbreLearner, card: Mapping[str, object], folder: Path) -> None:
    delivered = read_delivered(folder, NAME)
    theirs = {name: delivered.card.get(name) for name in card}
    if theirs != dict(card):
        raise ConfigError(
            who=f"warm start of the timbre network from {folder}",
            expected=f"{dict(card)}",
            found=f"{theirs}",
            action="train from the start, or choose the profile that the weights were made with",
        )
    learner.network.load_state_dict(dict(delivered.weights))


SPEC = TimbreSpec()
