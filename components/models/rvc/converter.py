"""A delivered RVC, ready to convert."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray

from components.core.errors import DataError
from components.features.pitch import PitchAnalysis, f0_where_voiced
from components.models.rvc.delivery import GENERATOR_PREFIX, DeliveredRvc, require_encoder
from components.models.rvc.hearing import RATE, STRIDE
from components.models.rvc.network import RvcGenerator
from components.models.rvc.params import FRAMES_PER_FEATURE, Section
from components.models.rvc.session import Session, Sizes, Voice
from components.nn.conversion import ContentEncoder

_SEMITONES = 12


class RvcConverter:
    """See `components.nn.conversion.VoiceConverter`.

    The network is built from the card that was delivered with the weights; only how to convert comes from the
    section. The posterior encoder and the judges are left on disk.

    Args:
        section: ``models.rvc``.
        delivered: folder of a delivered RVC.
        encoder: the content encoder it was trained with.
        device: where it computes.

    Raises:
        CorruptFileError: the weights are not the ones that were delivered.
        DataError: no delivered RVC there.
        ConfigError: another content encoder than the one it was trained with.
    """

    def __init__(
        self, section: Section, delivered: Path, encoder: ContentEncoder, device: torch.device
    ) -> None:
        model = DeliveredRvc.read(delivered)
        card = model.card
        require_encoder(card, encoder, str(delivered))
        self._card, self._inference, self._encoder = card, section.inference, encoder
        generator = RvcGenerator(card.architecture, card.pitch_range)
        generator.load_state_dict(model.part(GENERATOR_PREFIX))
        del generator.posterior
        self._generator = generator.to(device).eval()
        self._indices = {name: model.index(name).to(device) for name in card.speakers}
        method = cast('Literal["dio", "harvest"]', card.f0_method)
        self._pitch = PitchAnalysis(method, card.pitch_range.floor, card.pitch_range.ceil)
        self.source_rate, self.sample_rate = RATE, card.architecture.sample_rate_hz
        self.block_s = section.inference.file_chunk_s
        self.chunk_s, self.lookahead_s = section.inference.chunk_s, section.inference.lookahead_s
        self.speakers, self.consents = card.speakers, model.consents
        self.device, self.dtype, self.weights_sha256 = device, "float32", model.sha256

    def begin(self, speaker: str, semitones: float, live: bool) -> Session:
        """A new recording; see `VoiceConverter.begin`."""
        self._require(speaker)
        architecture, inference = self._card.architecture, self._inference
        voice = Voice(
            generator=self._generator,
            encoder=self._encoder,
            pitch=self._pitch,
            index=self._indices[speaker],
            speaker=self.speakers.index(speaker),
            sample_rate=self.sample_rate,
            hop=architecture.hop_length,
            highpass_hz=self._card.highpass_hz,
            inference=inference,
        )
        seconds = (
            inference.chunk_s if live else inference.file_chunk_s,
            inference.context_s,
            inference.lookahead_s,
            inference.crossfade_s,
        )
        sizes = Sizes(*(round(value * RATE / STRIDE) for value in seconds))
        return Session(voice, 2.0 ** (semitones / _SEMITONES), sizes)

    def log_f0(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """ln Hz of voiced frames; see `VoiceConverter.log_f0`."""
        found = f0_where_voiced(samples, RATE, STRIDE // FRAMES_PER_FEATURE, self._pitch)
        logs: NDArray[np.float32] = np.log(found[found > 0])
        return logs

    def key(self, speaker: str, mean_log_f0: float | None) -> float:
        """Semitones: ``transpose_semitones``, and with ``automatic_key`` what lies between the two means."""
        self._require(speaker)
        semitones = float(self._inference.transpose_semitones)
        if self._inference.automatic_key and mean_log_f0 is not None:
            between = self._card.pitch[speaker].mean - mean_log_f0
            semitones += _SEMITONES * between / math.log(2.0)
        return semitones

    def _require(self, speaker: str) -> None:
        if speaker not in self.speakers:
            raise DataError(
                who=f"speaker {speaker!r}",
                expected=f"one of {', '.join(self.speakers)}",
                found="a speaker that this model was not trained on",
                action="choose one of these, or train with recordings of that speaker",
            )
