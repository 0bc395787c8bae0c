"""What the stages ask of VALL-E X, but for the codec: features and training."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import cast

import torch

from components.auxiliaries.codec.contract import Choice, Codec
from components.core.errors import ConfigError
from components.core.extraction import Extraction, FeatureReport
from components.models.vallex.dataset import CodeDataset, collate, size_of
from components.models.vallex.delivery import NAME, Card, deliver
from components.models.vallex.delivery import warm_start as begin_from
from components.models.vallex.loss import AR, NAR, VallexLearner
from components.models.vallex.params import Architecture, Section
from components.models.vallex.preparation import prepare
from components.models.vallex.store import CodeStore
from components.nn.contracts import Recipe, TrainingTask
from components.nn.delivered import with_inherited
from components.nn.single_phase import warmed_up
from components.nn.size_limit import SizeLimit


def codec_choice(architecture: Architecture) -> Choice:
    """The codec that ``models.vallex.architecture`` asks for."""
    a = architecture
    return Choice(a.codec, a.codec_sample_rate_hz, a.codec_frame_rate_hz, a.n_codebooks, a.codebook_size)


def extract_features(section: Section, extraction: Extraction, codec: Codec) -> FeatureReport:
    """Codes and symbols of every voice that may be learned; see `preparation.prepare`.

    Raises:
        DataError: no usable utterance.
    """
    return prepare(extraction, codec, section.architecture.context_tokens)


def training_task(section: Section, features: Path, seed: int, warm_start: Path | None) -> TrainingTask:
    """The network and its data.

    Args:
        features: a store that `extract_features` wrote.
        seed: of the initial weights and of the training.
        warm_start: folder of a delivered VALL-E X to begin from.

    Raises:
        DataError: a split without utterances.
        ConfigError: codes or symbols without room in the architecture, or a warm start that does not fit.
    """
    a, training, store = section.architecture, section.training, CodeStore(features)
    card = _card(a, store)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        learner = VallexLearner(a, training.pace_loss_weight, training.misheard_share, training.nar_share)
    if warm_start is not None:
        begin_from(learner.network, card, warm_start)
    dtype = cast("torch.dtype", getattr(torch, training.delivered_dtype))
    shares = ("prompt_max_frames", "pair_share", "misheard_share", "nar_share")
    own = {name: getattr(training, name) for name in shares}
    bound = {"max_tokens_per_batch": training.max_tokens_per_batch}
    return TrainingTask(
        network=learner,
        phases=tuple(warmed_up(one, (f"network.{one}",), training) for one in (AR, NAR)),
        train=CodeDataset(store, "train", a, training),
        validation=CodeDataset(store, "validation", a, training),
        collate=collate,
        recipe=Recipe.of(training, seed, training.gradient_checkpointing),
        identity={"model": NAME, **card.to_json(), **own, **bound},
        deliver=partial(deliver, card=card, consents=with_inherited(store.consents, warm_start), dtype=dtype),
        limit=SizeLimit(size_of, training.max_tokens_per_batch),
    )


def _card(architecture: Architecture, store: CodeStore) -> Card:
    codec, symbols = store.summary["codec"], tuple(store.summary["symbols"])
    found = (codec["n_codebooks"], codec["size"])
    if found != (architecture.n_codebooks, architecture.codebook_size):
        raise ConfigError(
            who=str(store.folder),
            expected=f"codes of {architecture.n_codebooks} codebooks of {architecture.codebook_size}",
            found="{} codebooks of {}".format(*found),
            action="run the features stage again with these parameters",
        )
    if len(symbols) > architecture.text_vocabulary:
        raise ConfigError(
            who="models.vallex.architecture.text_vocabulary",
            expected=f"at least {len(symbols)}, the symbols of the front-end",
            found=str(architecture.text_vocabulary),
            action="raise it",
        )
    return Card(architecture, symbols, store.summary["symbols_version"], codec["sha256"], store.speakers)
