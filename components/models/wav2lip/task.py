"""What the stages ask of Wav2Lip: talking faces, and a training beside a SyncNet that `expert` has judged."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from components.auxiliaries.syncnet.loading import SYNCNET, load, require_same_hearing
from components.core.extraction import Extraction, FeatureReport
from components.features.lip_mel import LipHearing
from components.features.mel import MelAnalysis
from components.features.talking.prepare import prepare
from components.features.talking.store import TalkingStore
from components.models.wav2lip.dataset import FaceWindows, collate
from components.models.wav2lip.delivery import NAME, Card, begin_from, deliver
from components.models.wav2lip.loss import SYNC, Wav2Lip
from components.models.wav2lip.network import Generator, QualityJudge, Tower
from components.models.wav2lip.params import Architecture, Section, Training
from components.models.wav2lip.visual import load_published
from components.nn.adversarial import DISCRIMINATOR, GENERATOR
from components.nn.contracts import Phase, Recipe, TrainingTask
from components.nn.delivered import with_inherited
from components.nn.single_phase import warmed_up


def hearing_of(architecture: Architecture, log_floor: float) -> LipHearing:
    """How a generator of that architecture hears."""
    return LipHearing(
        mel=MelAnalysis.of(architecture, log_floor),
        preemphasis=architecture.preemphasis,
        fps=architecture.fps,
        window=architecture.mel_window_frames,
        span=architecture.video_window_frames,
    )


def extract_features(section: Section, extraction: Extraction) -> FeatureReport:
    """Talking faces of the voices that models learn; see `components.features.talking.prepare`.

    Raises:
        DataError: no usable clip.
        ValidationBlockedError: the data gate refuses.
    """
    architecture = section.architecture
    hearing = hearing_of(architecture, extraction.audio.log_floor)
    return prepare(extraction, "model", hearing, architecture.image_size)


def training_task(
    section: Section, features: Path, seed: int, warm_start: Path | None, syncnet: Path
) -> TrainingTask:
    """The network and its data.

    Args:
        features: a store that `extract_features` wrote.
        seed: of the initial weights and of the training.
        warm_start: folder of a delivered Wav2Lip to begin from; None: published SwinV2 weights where
            ``visual_encoder.checkpoint`` names some.
        syncnet: folder of the delivered SyncNet.

    Raises:
        DataError: a part without clips that are long enough, or no SyncNet.
        ConfigError: a SyncNet, a store or a warm start of other dimensions.
    """
    architecture, training, store = section.architecture, section.training, TalkingStore(features)
    expert = load(syncnet, SYNCNET, torch.device("cpu"))
    require_same_hearing(expert, store.hearing, architecture.image_size, f"Wav2Lip with {features}")
    tower = expert.architecture if architecture.audio_encoder == "syncnet" else None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator, judge = Generator(architecture, tower), QualityJudge(architecture)
    if warm_start is not None:
        begin_from(generator, judge, warm_start)
    elif architecture.visual_encoder.checkpoint:
        load_published(generator.visual, architecture.visual_encoder.checkpoint)
    if isinstance(generator.audio, Tower):  # after the warm start: the ear is that of who teaches now
        generator.audio.syncnet.load_state_dict(expert.network.state_dict(), strict=False)
    card = Card(architecture, store.hearing, expert.sha256, tower)
    consents = with_inherited(store.consents, warm_start)
    return TrainingTask(
        network=Wav2Lip(training, generator, judge, expert.network),
        phases=_phases(training),
        train=FaceWindows(store, "train", training),
        validation=FaceWindows(store, "validation", training),
        collate=collate,
        recipe=Recipe.of(training, seed),
        identity={"model": NAME, **card.to_json()},
        deliver=partial(_deliver, card=card, consents=consents, dtype=training.delivered_dtype),
    )


def _phases(training: Training) -> tuple[Phase, ...]:
    modules = {GENERATOR: ("generator",)}
    if training.adversarial_loss_weight:
        modules = {DISCRIMINATOR: ("judge",), **modules}
    if training.finetune_syncnet:
        modules = {SYNC: ("syncnet",), **modules}
    return tuple(warmed_up(name, own, training) for name, own in modules.items())


def _deliver(
    weights: Mapping[str, Tensor], folder: Path, *, card: Card, consents: Mapping[str, str], dtype: str
) -> None:
    deliver(weights, folder, card=card, consents=consents, dtype=getattr(torch, dtype))
