"""FastPitch's hooks for the stages."""

from __future__ import annotations

import math
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch

from components.core.extraction import Extraction, FeatureReport
from components.core.params import ModelSection, narrowed
from components.core.utterance import LANGUAGES, Utterance
from components.features.mel import MelAnalysis
from components.features.pitch import PitchAnalysis
from components.features.speech import SpeechAnalysis, extract_speech_features
from components.features.store import FeatureStore
from components.models.fastpitch.dataset import SpeechDataset, collate
from components.models.fastpitch.network import FastPitch
from components.models.fastpitch.params import Section, Training
from components.models.fastpitch.voices import Voices
from components.models.fastpitch.warm_start import NAME, warm_start
from components.nn.contracts import Auxiliaries, Phase, Recipe, Synthesiser, TrainingTask
from components.nn.delivered import with_inherited, write_delivered
from components.nn.optimisers import adamw
from components.text.symbols import INVENTORY_VERSION


class FastPitchSpec:
    """See `components.nn.contracts.SpeakingSpec`."""

    name = NAME

    def extract_features(
        self, section: ModelSection, extraction: Extraction, auxiliaries: Auxiliaries
    ) -> FeatureReport:
        """Mel, pitch and energy of each frame, and the symbols, of the voices that models learn.

        Raises:
            DataError: no usable utterance.
        """
        audio = extraction.audio
        analysis = SpeechAnalysis(
            mel=MelAnalysis.of(narrowed(section, Section).architecture, audio.log_floor),
            pitch=PitchAnalysis(method=audio.f0_method, floor=audio.f0_floor_hz, ceil=audio.f0_ceil_hz),
        )
        return extract_speech_features(extraction, analysis, teaches_fastpitch)

    def training_task(
        self, section: ModelSection, features: Path, seed: int, warm_start: Path | None
    ) -> TrainingTask:
        """The network and its data.

        Args:
            features: a feature store.
            seed: of the initial weights and of the training.
            warm_start: folder of a delivered FastPitch to begin from.

        Raises:
            DataError: a split without utterances.
            ConfigError: the warm start has other dimensions.
        """
        typed = narrowed(section, Section)
        store = FeatureStore(features)
        voices = Voices.of(store)
        train = SpeechDataset(store, "train", voices)
        network = _initial_network(typed, voices, train, seed, warm_start)
        card = {
            "symbols_version": INVENTORY_VERSION,
            "pitch": {name: asdict(store.speakers[name]) for name in voices.speakers},
            "voices": voices.to_json(),
            "architecture": typed.architecture.model_dump(mode="json"),
            "log_floor": store.summary["analysis"]["mel"]["log_floor"],
            "loudest_log_mel": train.mel_ceiling(),
        }
        return TrainingTask(
            network=network,
            phases=(_phase(typed.training),),
            train=train,
            validation=SpeechDataset(store, "validation", voices),
            collate=partial(collate, padding=voices.symbols.padding),
            recipe=Recipe.of(typed.training, seed, typed.training.gradient_checkpointing),
            identity={"model": NAME, **card},
            deliver=partial(
                write_delivered,
                model=NAME,
                card={**card, "consents": with_inherited(store.consents, warm_start)},
                dtype=getattr(torch, typed.training.delivered_dtype),
            ),
        )

    def load(
        self, section: ModelSection, delivered: Path, auxiliaries: Auxiliaries, device: torch.device
    ) -> Synthesiser:
        """A delivered FastPitch with the vocoder of ``auxiliaries``, ready to speak.

        Raises:
            CorruptFileError: the weights are not the ones that were delivered.
            DataError: no delivered FastPitch there.
            ConfigError: the delivered vocoder is of another kind than params.yaml asks for, or is missing.
        """
        from components.models.fastpitch.speaker import FastPitchSpeaker

        return FastPitchSpeaker(narrowed(section, Section), delivered, auxiliaries, device)


def teaches_fastpitch(utterance: Utterance) -> bool:
    """Whether FastPitch may learn from a row: a voice for models, in a language with a front-end."""
    return utterance.role == "model" and utterance.language in LANGUAGES


def _initial_network(
    section: Section, voices: Voices, train: SpeechDataset, seed: int, delivered: Path | None
) -> FastPitch:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = FastPitch(section.architecture, voices, section.training)
    network.start_from_statistics(*train.mel_statistics())
    if delivered is not None:
        warm_start(network, voices, delivered)
    return network


def _phase(training: Training) -> Phase:
    return Phase(
        name="generator",
        modules=("",),
        optimiser=adamw(training, decay_vectors=True),
        schedule=partial(_noam, warmup_steps=training.warmup_steps),
        clip_norm=training.gradient_clip_norm,
    )


def _noam(step: int, warmup_steps: int) -> float:
    """Rate factor: linear up to 1 over the warm-up, then falling as 1/√step (NVIDIA's version 1.1)."""
    count, peak = step + 1, max(1, warmup_steps)
    return min(count / peak, math.sqrt(peak / count))


SPEC = FastPitchSpec()
