"""The inference of each model at a size and a length, as traces.

A workload leaves out what runs on the CPU in front of the device: text front-end, pyworld's f0, face
detection, retrieval, the coding of video. Where a length depends on what a network predicts, it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from components.auxiliaries.content.network import hubert_config
from components.auxiliaries.content.params import Architecture as ContentArchitecture
from components.auxiliaries.vocoder.hifi_gan import HifiGanGenerator
from components.auxiliaries.vocoder.params import Architecture as VocoderArchitecture
from components.models.fastpitch.network import FastPitch
from components.models.fastpitch.params import Architecture as FastPitchArchitecture
from components.models.fastpitch.symbol_table import SymbolTable
from components.models.fastpitch.voices import Voices
from components.models.rvc.decoder import Decoder
from components.models.rvc.network import PitchRange, RvcGenerator
from components.models.rvc.params import FRAMES_PER_FEATURE
from components.models.rvc.params import Architecture as RvcArchitecture
from components.models.wav2lip.network import Generator
from components.models.wav2lip.params import Architecture as LipArchitecture
from components.simulation.building import Pass, a_pass, built, ids, ones, zeros

SYMBOLS_PER_SECOND = 12.0
"""Of speech, as the front-end writes the 120 sentences."""


@dataclass(frozen=True)
class Workload:
    """What is run.

    Attributes:
        name: of the model or of its part.
        described: lengths, batch and type, so that a figure can be repeated.
        passes: in order.
    """

    name: str
    described: str
    passes: tuple[Pass, ...]


def fastpitch(a: FastPitchArchitecture, seconds: float, batch: int, dtype: torch.dtype) -> Workload:
    """Symbols to mel; the aligner has no part in it."""
    symbols, frames = round(seconds * SYMBOLS_PER_SECOND), round(seconds * a.sample_rate_hz / a.hop_length)
    voices = Voices(SymbolTable.current(), ("one",), ("ko",))
    net = built(lambda: FastPitch(a, voices, None))

    def speak() -> None:
        text, sounds = ones(batch, symbols), ones(batch, frames)
        condition = net.speaker_table(ids(batch))
        encoded = net.encoder(net.symbol_embedding(ids(batch, symbols)), text, condition)
        for predict in (net.duration_predictor, net.pitch_predictor, net.energy_predictor):
            predict(encoded, text, condition)
        for embed in (net.pitch_embedding, net.energy_embedding):
            embed(zeros(dtype, batch, 1, symbols))
        laid_out = zeros(dtype, batch, frames, a.d_model)
        made = net.decoder(laid_out, sounds, condition)
        net.to_mel(made), net.to_source(made)

    return _workload("fastpitch", f"{symbols} symbols, {frames} frames", net, dtype, batch, speak)


def vocoder(a: VocoderArchitecture, seconds: float, batch: int, dtype: torch.dtype) -> Workload:
    """HiFi-GAN: mel to samples."""
    frames = round(seconds * a.sample_rate_hz / a.hop_length)
    net = built(lambda: HifiGanGenerator(a.generator, a.n_mels))
    return _workload(
        "hifi_gan",
        f"{frames} frames",
        net,
        dtype,
        batch,
        lambda: net(zeros(dtype, batch, frames, a.n_mels)),
    )


def content(a: ContentArchitecture, seconds: float, batch: int, dtype: torch.dtype) -> Workload:
    """HuBERT: samples at 16 kHz to features."""
    from transformers import HubertModel

    samples = round(seconds * a.sample_rate_hz)
    net = built(lambda: HubertModel(hubert_config(a)))
    return _workload(
        "content",
        f"{seconds:g} s",
        net,
        dtype,
        batch,
        lambda: net(zeros(dtype, batch, samples), attention_mask=None),
    )


def rvc(a: RvcArchitecture, seconds: float, batch: int, dtype: torch.dtype) -> Workload:
    """Content features and f0 to samples: prior, flow, decoder with its source."""
    frames = round(seconds * a.sample_rate_hz / a.hop_length)
    frames -= frames % FRAMES_PER_FEATURE
    net = built(lambda: RvcGenerator(a, PitchRange(50.0, 1100.0)))

    def convert() -> None:
        z = net.latents(
            zeros(dtype, batch, frames // FRAMES_PER_FEATURE, a.content_encoder.dim),
            zeros(dtype, batch, frames),
            ids(batch),
            zeros(dtype, batch, a.inter_channels, frames),
        )
        if isinstance(net.decoder, Decoder):
            net.decoder(z, zeros(dtype, batch, frames * a.hop_length), net.speakers(ids(batch)))

    return _workload("rvc", f"{frames} frames", net, dtype, batch, convert)


def wav2lip(a: LipArchitecture, seconds: float, batch: int, dtype: torch.dtype) -> Workload:
    """Faces and mel windows to faces, ``batch`` frames at a time."""
    frames = round(seconds * a.fps)
    net = built(lambda: Generator(a))

    def render(rows: int) -> Pass:
        pictures = (rows, 6, a.image_size, a.image_size)
        return a_pass(
            net,
            dtype,
            lambda: net(zeros(dtype, *pictures), zeros(dtype, rows, a.n_mels, a.mel_window_frames)),
        )

    whole, rest = divmod(frames, batch)
    passes = [Pass(render(batch).trace, whole)] if whole else []
    if rest:
        passes.append(render(rest))
    return Workload("wav2lip", f"{frames} frames of {a.image_size} px, {batch} at a time", tuple(passes))


def _workload(
    name: str, described: str, net: Any, dtype: torch.dtype, batch: int, work: Callable[[], object]
) -> Workload:
    return Workload(name, f"{described}, batch {batch}", (a_pass(net, dtype, work),))
