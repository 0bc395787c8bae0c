"""Makes a vocoder: by its parameters, or from a delivered folder alone."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch

from components.auxiliaries.vocoder.contract import Vocoder
from components.auxiliaries.vocoder.griffin_lim import GriffinLim
from components.auxiliaries.vocoder.hifi_gan import HifiGanGenerator, HifiGanVocoder
from components.auxiliaries.vocoder.params import Architecture, Section
from components.auxiliaries.vocoder.pitch_network import PitchNetwork
from components.auxiliaries.vocoder.source_filter import SourceFilterVocoder
from components.core.errors import ConfigError
from components.core.params import narrowed
from components.features.mel import MelAnalysis
from components.nn.contracts import Auxiliaries
from components.nn.delivered import Delivered, read_delivered

NAME = "vocoder"


def build(
    architecture: Architecture, log_floor: float, delivered: Path | None, device: torch.device
) -> Vocoder:
    """The vocoder of ``auxiliaries.vocoder.architecture``.

    Effort (iterations, chunk sizes) follows the parameters; the dimensions of a network follow the card that
    was delivered with its weights.

    Args:
        architecture: its ``kind`` decides.
        log_floor: ``audio.log_floor``.
        delivered: folder of `make pretrain MODEL=vocoder`. hifi_gan needs it; source_filter without it wants
            f0 with every mel; griffin_lim has no weights.
        device: where it computes.

    Raises:
        ConfigError: weights of another kind or for another mel, or none where they are needed.
        DataError: no delivered vocoder in the folder, or only a pickle.
        CorruptFileError: the weights are not the ones that were delivered.
    """
    analysis = MelAnalysis.of(architecture, log_floor)
    if architecture.kind == "griffin_lim":
        lim = architecture.griffin_lim
        return GriffinLim(analysis, lim.iterations, lim.momentum, device)
    if architecture.kind == "hifi_gan":
        return _hifi_gan(architecture, analysis, delivered, device)
    return _source_filter(architecture, analysis, delivered, device)


def of(auxiliaries: Auxiliaries, log_floor: float, device: torch.device) -> Vocoder:
    """The vocoder that params.yaml asks for, with the weights that were delivered for it, if any were.

    Where params.yaml has no say, the one that was delivered.

    Raises:
        ConfigError, DataError, CorruptFileError: as `build`.
    """
    section, delivered = auxiliaries.sections.get(NAME), auxiliaries.folder / NAME
    if section is None:
        return load(delivered, device)
    architecture = narrowed(section, Section).architecture
    return build(architecture, log_floor, delivered if delivered.is_dir() else None, device)


def load(delivered: Path, device: torch.device) -> Vocoder:
    """The vocoder that a delivered folder describes, with the effort it was delivered with.

    Raises:
        DataError, CorruptFileError: as `build`.
    """
    card = read_delivered(delivered, NAME).card
    architecture = Architecture.model_validate(card["architecture"])
    return build(architecture, card["log_floor"], delivered, device)


def _hifi_gan(
    architecture: Architecture, analysis: MelAnalysis, delivered: Path | None, device: torch.device
) -> HifiGanVocoder:
    if delivered is None:
        raise _mismatch("hifi_gan", "no weights given")
    weights, card = _read(delivered, "hifi_gan", analysis)
    generator = HifiGanGenerator(card.generator, analysis.n_mels)
    generator.load_state_dict(dict(weights.weights))
    return HifiGanVocoder(analysis, generator, architecture.streaming, device, weights.sha256)


def _source_filter(
    architecture: Architecture, analysis: MelAnalysis, delivered: Path | None, device: torch.device
) -> SourceFilterVocoder:
    effort, streaming = architecture.source_filter, architecture.streaming
    if delivered is None:
        return SourceFilterVocoder(analysis, effort, streaming, None, device, "")
    weights, card = _read(delivered, "source_filter", analysis)
    network = PitchNetwork(card.pitch_network, analysis.n_mels)
    network.load_state_dict(dict(weights.weights))
    network.to(device).eval()
    reader = partial(network.f0, voicing_threshold=effort.voicing_threshold)
    return SourceFilterVocoder(analysis, effort, streaming, reader, device, weights.sha256)


def _read(delivered: Path, kind: str, analysis: MelAnalysis) -> tuple[Delivered, Architecture]:
    weights = read_delivered(delivered, NAME)
    card = Architecture.model_validate(weights.card["architecture"])
    if card.kind != kind:
        raise _mismatch(kind, f"weights of {card.kind} in {delivered}")
    found = MelAnalysis.of(card, weights.card["log_floor"])
    if found != analysis:
        raise _mismatch(f"{kind} for {analysis}", f"one for {found}")
    return weights, card


def _mismatch(expected: str, found: str) -> ConfigError:
    return ConfigError(
        who="auxiliaries.vocoder",
        expected=f"weights of {expected}",
        found=found,
        action="run `make pretrain MODEL=vocoder`, or choose the kind and mel of the weights at hand",
    )
