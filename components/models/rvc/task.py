"""What the stages ask of RVC, but for the content encoder: features, training, a loaded converter."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from components.core.errors import ConfigError
from components.core.extraction import Extraction, FeatureReport
from components.features.mel import MelAnalysis
from components.features.pcm import as_samples
from components.features.pitch import PitchAnalysis
from components.features.slices import SliceRules
from components.models.rvc.dataset import SliceDataset, collate
from components.models.rvc.delivery import NAME, Card, deliver
from components.models.rvc.loss import Rvc
from components.models.rvc.network import PitchRange, RvcGenerator, add_generator_weight_norm
from components.models.rvc.params import Architecture, Section, Slicing, Training
from components.models.rvc.preparation import Analysis, prepare
from components.models.rvc.retrieval import centroids
from components.models.rvc.spectral_decoder import MelDecoder
from components.models.rvc.spectral_loss import SpectralRvc
from components.models.rvc.store import SliceStore
from components.models.rvc.warm_start import warm_start as begin_from
from components.nn.adversarial import DISCRIMINATOR, GENERATOR
from components.nn.contracts import Phase, Recipe, TrainingTask
from components.nn.conversion import ContentEncoder
from components.nn.delivered import with_inherited
from components.nn.optimisers import adamw

_SLICES_OF_A_MEAN = 64


def extract_features(section: Section, extraction: Extraction, encoder: ContentEncoder) -> FeatureReport:
    """Slices of every voice that may be learned, with f0 and content features; see `preparation.prepare`.

    Raises:
        DataError: no usable recording.
        ConfigError: the encoder's features are not as wide as ``architecture`` says.
    """
    architecture, audio = section.architecture, extraction.audio
    if encoder.dim != architecture.content_encoder.dim:
        raise ConfigError(
            who="models.rvc.architecture.content_encoder.dim",
            expected=f"{encoder.dim}, as {encoder.label!r} gives",
            found=str(architecture.content_encoder.dim),
            action="correct it, or name another checkpoint",
        )
    analysis = Analysis(
        MelAnalysis.of(architecture, audio.log_floor),
        PitchAnalysis(architecture.f0_method, audio.f0_floor_hz, audio.f0_ceil_hz),
        _rules(section.training.slicing),
        section.training.slicing.highpass_hz,
        section.training.content_speeds,
    )
    return prepare(extraction, analysis, encoder)


def training_task(section: Section, features: Path, seed: int, warm_start: Path | None) -> TrainingTask:
    """The network and its data.

    Args:
        features: a store that `extract_features` wrote.
        seed: of the initial weights and of the training.
        warm_start: folder of a delivered RVC to begin from.

    Raises:
        DataError: a split without slices.
        ConfigError: more speakers than ``n_speakers``, features of another analysis, or a warm start of other
            dimensions or another content encoder.
    """
    training, store = section.training, SliceStore(features)
    card = _card(section.architecture, store)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator = RvcGenerator(section.architecture, card.pitch_range)
        network = _network(section, generator, store)
    if warm_start is not None:
        begin_from(generator, network.discriminators, card, warm_start)
    add_generator_weight_norm(generator)
    train = SliceDataset(store, "train", card.speakers, training.stretch_frames, training.speaker_balance)
    hop = section.architecture.hop_length
    return TrainingTask(
        network=network,
        phases=_phases(training, len(train)),
        train=train,
        validation=SliceDataset(store, "validation", card.speakers, training.stretch_frames),
        collate=partial(collate, segment_frames=training.segment_samples // hop, hop=hop),
        recipe=Recipe.of(training, seed),
        identity={"model": NAME, **card.to_json()},
        deliver=partial(
            _deliver, card=card, store=store, training=training, seed=seed, begun_from=warm_start
        ),
    )


def _network(section: Section, generator: RvcGenerator, store: SliceStore) -> Rvc | SpectralRvc:
    decoder, log_floor = section.architecture.spectral_decoder, store.summary["analysis"]["mel"]["log_floor"]
    if decoder is None:
        return Rvc(section, generator, log_floor)
    network = SpectralRvc(section, decoder, generator, log_floor)
    if isinstance(generator.decoder, MelDecoder):
        generator.decoder.start_from(_mean_log_mel(network, store))
    return network


@torch.no_grad()
def _mean_log_mel(network: SpectralRvc, store: SliceStore) -> Tensor:
    """[n_mels] over training slices, evenly taken."""
    rows = [row for row in store.rows if row.split == "train"]
    chosen = rows[:: max(1, len(rows) // _SLICES_OF_A_MEAN)]
    heard = (torch.from_numpy(as_samples(store.views(row)["samples"]))[None] for row in chosen)
    return torch.cat([network.log_mel(network.spectrum(samples))[0] for samples in heard]).mean(dim=0)


def _card(architecture: Architecture, store: SliceStore) -> Card:
    analysis, speakers = store.summary["analysis"], store.speakers
    if len(speakers) > architecture.n_speakers:
        raise ConfigError(
            who="models.rvc.architecture.n_speakers",
            expected=f"at least {len(speakers)}, the speakers of {store.folder}",
            found=str(architecture.n_speakers),
            action="raise it, or leave speakers out of data.corpora",
        )
    made_with = (store.hop_length, analysis["mel"]["sample_rate"], store.summary["encoder"]["dim"])
    wanted = (architecture.hop_length, architecture.sample_rate_hz, architecture.content_encoder.dim)
    if made_with != wanted:
        raise ConfigError(
            who=str(store.folder),
            expected="hop {}, {} Hz, content features of {}".format(*wanted),
            found="hop {}, {} Hz, content features of {}".format(*made_with),
            action="run the features stage again with these parameters",
        )
    pitch = analysis["pitch"]
    return Card(
        architecture,
        store.summary["encoder"],
        PitchRange(pitch["floor"], pitch["ceil"]),
        pitch["method"],
        analysis["highpass_hz"],
        speakers,
    )


def _deliver(
    weights: Mapping[str, Tensor],
    folder: Path,
    *,
    card: Card,
    store: SliceStore,
    training: Training,
    seed: int,
    begun_from: Path | None,
) -> None:
    indices = {
        speaker: centroids(_features_of(speaker, store), training.index_centroids, seed)
        for speaker in card.speakers
    }
    dtype = cast("torch.dtype", getattr(torch, training.delivered_dtype))
    consents = with_inherited(store.consents, begun_from)
    deliver(weights, folder, card=card, consents=consents, indices=indices, dtype=dtype)


def _features_of(speaker: str, store: SliceStore) -> Tensor:
    """[N, D] of a speaker's training slices; of all, for one without any."""
    own = [row for row in store.rows if row.speaker_id == speaker]
    chosen = [row for row in own if row.split == "train"] or own
    width = store.summary["encoder"]["dim"]
    heard = np.concatenate([store.views(row)["content"][:, :width] for row in chosen])
    return torch.from_numpy(heard.astype("float32"))


def _phases(training: Training, slices: int) -> tuple[Phase, ...]:
    epoch = max(1, slices // (training.batch_size * training.gradient_accumulation))
    modules = {DISCRIMINATOR: ("discriminators",), GENERATOR: ("generator",)}
    return tuple(
        Phase(
            name=name,
            modules=own,
            optimiser=adamw(training, decay_vectors=True),
            schedule=partial(_rate, decay=training.lr_decay_per_epoch, epoch=epoch),
            clip_norm=None,
        )
        for name, own in modules.items()
    )


def _rate(step: int, decay: float, epoch: int) -> float:
    """Rate factor: falls by ``decay`` after every pass over the training slices."""
    return float(decay ** (step // epoch))


def _rules(slicing: Slicing) -> SliceRules:
    return SliceRules(
        slicing.silence_db,
        slicing.min_silence_s,
        slicing.keep_silence_s,
        slicing.min_slice_s,
        slicing.max_slice_s,
        slicing.overlap_s,
    )
