"""The codec that `make pretrain MODEL=codec` delivers, ready to encode and decode."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from components.auxiliaries.codec.contract import NAME, checked_codes, checked_samples, checked_vectors
from components.auxiliaries.codec.loss import mel_of
from components.auxiliaries.codec.network import CodecNetwork, Sound
from components.auxiliaries.codec.params import Architecture
from components.auxiliaries.vocoder.excitation import source
from components.auxiliaries.vocoder.params import Streaming
from components.auxiliaries.vocoder.source_filter import SourceFilterVocoder
from components.core.storage import sha256_bytes, sha256_json
from components.features.mel import MelAnalysis
from components.features.pitch import PitchAnalysis, f0_where_voiced
from components.nn.delivered import Delivered, read_delivered
from components.nn.timbre import Change, Frames, Timbre, shift_towards
from components.nn.timbre_network import Known, Recolouring, Speech, TimbreNetwork
from components.nn.timbre_network import load as load_voices

_UNTRAINED_SEED = 0
"""Any: always the same."""
_UNTRAINED_LOG_GAIN = -3.5
"""Sources have a power of about 1: as quiet as speech, so that nothing is clipped."""
_UNTRAINED_CARD = {"log_floor": 1.0e-5, "f0_method": "dio"}
"""What a delivered codec's card has from its features."""


class TrainedCodec:
    """See `contract.Codec` and `docs/models/codec.md`. Mel and f0 in and out, then a source-filter synthesis.

    Everything reaches a bounded number of frames (``lookahead``), so samples are final as soon as so many
    more codes are known. A stretch is decoded from the beginning all the same: the pulses' phase runs on.

    Args:
        delivered: weights and card, checked.
        device: where it computes.
        used: how many of its codebooks, the coarsest first; None: all.
        voices: lets its sound follow a prompt; None: averages alone are moved.
    """

    def __init__(
        self,
        delivered: Delivered,
        device: torch.device,
        used: int | None = None,
        voices: TimbreNetwork | None = None,
    ) -> None:
        a = Architecture.model_validate(delivered.card["architecture"])
        self.architecture = a
        self.sample_rate, self.hop = a.sample_rate_hz, a.samples_per_code
        self.n_codebooks, self.codebook_size = min(used or a.n_codebooks, a.n_codebooks), a.codebook_size
        self.weights_sha256, self.device = delivered.sha256, device
        self.sha256 = sha256_json(
            {"weights": delivered.sha256, "card": dict(delivered.card), "n_codebooks": self.n_codebooks}
        )
        self.pitch = PitchAnalysis(delivered.card["f0_method"], a.f0_floor_hz, a.f0_ceil_hz)
        self.analysis = MelAnalysis.of(a, delivered.card["log_floor"])
        self._mel = mel_of(self.analysis).to(device)
        whole = Streaming(first_chunk_frames=1, chunk_frames=1)  # it is asked for stretches, never to stream
        self._synthesis = SourceFilterVocoder(self.analysis, a.synthesis, whole, None, device, "")
        network = CodecNetwork(a)
        network.load_state_dict(dict(delivered.weights), strict=False)
        self.network = network.to(device).eval().requires_grad_(False)
        self.vectors = self.network.quantiser.vectors[: self.n_codebooks]
        self._voices = voices
        reach = network.reach + (voices.reach if voices else 0) + self._synthesis.reach_frames
        self.lookahead = -(-reach // a.stride)

    @torch.inference_mode()
    def encode(self, samples: Tensor) -> Tensor:
        """[B, N] → [B, Q, T]; see `contract.Codec.encode`. f0 is found on the CPU, row by row.

        Raises:
            DataError: another shape, NaN or infinite values.
        """
        return self.network.quantiser.encode(self.network.latent(*self._heard(samples)))[
            :, : self.n_codebooks
        ]

    @torch.inference_mode()
    def timbre(self, samples: Tensor) -> Timbre | None:
        """See `contract.Codec.timbre`; of the recording where its copy is voiced, too.

        Raises:
            DataError: another shape, NaN or infinite values.
        """
        mel, log_f0, voiced = self._heard(samples)
        copy = self.network.copied(mel, log_f0, voiced, self.n_codebooks)
        both = voiced & self._voiced(copy)
        found = Timbre.of(mel[0], copy.mel[0], log_f0[0], both[0])
        if found is None or self._voices is None:
            return found
        return replace(found, frames=Frames(mel, copy.mel, log_f0, copy.log_f0, both))

    @torch.inference_mode()
    def shift(self, vectors: Tensor, timbre: Timbre, share: float, spread: float = 0.0) -> Change | None:
        """See `contract.Codec.shift`.

        Raises:
            DataError: another shape, NaN or infinite values.
        """
        said = self.network.sound(checked_vectors(vectors, self))
        voiced = self._voiced(said)
        if self._voices is None or timbre.frames is None or share <= 0.0:
            return shift_towards(timbre, said.mel[0], said.log_f0[0], voiced[0], share)
        whole = shift_towards(timbre, said.mel[0], said.log_f0[0], voiced[0], 1.0)
        if whole is None:
            return None
        speech = Speech(said.mel, said.log_f0, said.voicing.sigmoid(), voiced)
        return Recolouring.of(self._voices, Known.of(timbre.frames), speech, whole, share, spread)

    def _heard(self, samples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log mel, ln f0 and voicing of whole frames of codes, as `CodecNetwork.latent` takes them."""
        heard = checked_samples(samples, self.device)
        count = -(-heard.shape[1] // self.hop)
        shortest = self.analysis.n_fft // 2 + 1  # what reflection needs at the ends
        heard = F.pad(heard, (0, max(count * self.hop, shortest) - heard.shape[1]))
        frames = count * self.architecture.stride
        courses = [self._course(row) for row in heard.cpu().numpy()]
        log_f0 = torch.from_numpy(np.stack([course[:frames] for course, _ in courses])).to(self.device)
        voiced = torch.from_numpy(np.stack([keep[:frames] for _, keep in courses])).to(self.device)
        return self._mel(heard)[:, :frames], log_f0, voiced

    @torch.inference_mode()
    def decode(self, codes: Tensor, first: int = 0) -> Tensor:
        """[B, Q, T] → [B, (T - first) · hop]; see `contract.Codec.decode`.

        Raises:
            DataError: another shape, or codes that no codebook has.
        """
        return self._spoken(self.network.quantiser.decode(checked_codes(codes, self)), first)

    @torch.inference_mode()
    def decode_vectors(self, vectors: Tensor, first: int = 0, shift: Change | None = None) -> Tensor:
        """[B, T, D] → [B, (T - first) · hop]; see `contract.Codec.decode_vectors`.

        Raises:
            DataError: another shape, NaN or infinite values.
        """
        return self._spoken(checked_vectors(vectors, self), first, shift)

    def _spoken(self, latent: Tensor, first: int, shift: Change | None = None) -> Tensor:
        said = self.network.sound(latent)
        a, mel, log_f0 = self.architecture, said.mel, said.log_f0
        if shift is not None:
            mel, log_f0 = shift.applied(mel, log_f0, said.voicing.sigmoid())
        f0 = torch.where(self._voiced(said), log_f0.exp().clamp(a.f0_floor_hz, a.f0_ceil_hz), 0.0)
        rows = zip(mel.exp(), f0.cpu().numpy(), strict=True)
        return torch.stack([self._samples(mel, course, first * a.stride) for mel, course in rows])

    def _voiced(self, said: Sound) -> Tensor:
        return said.voicing.sigmoid() > self.architecture.voicing_threshold

    def _samples(self, mel: Tensor, f0: NDArray[np.float32], first: int) -> Tensor:
        """[(T - first) · hop] of amplitudes [T, n_mels] and Hz [T]; the last frame is held for its hop."""
        held = torch.cat([mel, mel[-1:]])
        course = source(np.append(f0, f0[-1]), self.analysis.hop_s, self._synthesis.padding)
        return self._synthesis.samples(held, course, first, len(mel)).clamp(-1.0, 1.0)

    def _course(self, samples: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        found = f0_where_voiced(samples, self.sample_rate, self.architecture.hop_length, self.pitch)
        return without_gaps(found), found > 0


def without_gaps(f0: NDArray[np.float32]) -> NDArray[np.float32]:
    """ln f0 [T] that runs from neighbour to neighbour through unvoiced frames; 0 where none is voiced."""
    places = np.flatnonzero(f0 > 0)
    if len(places) == 0:
        return np.zeros(len(f0), np.float32)
    return np.interp(np.arange(len(f0)), places, np.log(f0[places])).astype(np.float32)


def load(
    delivered: Path, device: torch.device, used: int | None = None, voices: Path | None = None
) -> TrainedCodec:
    """The codec of a delivered folder.

    Args:
        used: how many of its codebooks, None: all.
        voices: folder of the network that lets its sound follow a prompt; None: there is none.

    Raises:
        DataError: no delivered codec or network there, or only a pickle.
        CorruptFileError: the weights are not the ones that were delivered.
        ConfigError: the network learned from another codec.
    """
    found = read_delivered(delivered, NAME)
    network = None if voices is None else load_voices(voices, found.sha256, device)
    return TrainedCodec(found, device, used, network)


def untrained(architecture: Architecture, device: torch.device) -> TrainedCodec:
    """Weights as they are before any training, always the same: the pipeline's tests need none delivered."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_UNTRAINED_SEED)
        network = CodecNetwork(architecture)
    with torch.no_grad():
        network.speak.bias[: 2 * architecture.n_mels] += _UNTRAINED_LOG_GAIN
    weights = network.state_dict()
    digest = {name: sha256_bytes(value.contiguous().numpy().tobytes()) for name, value in weights.items()}
    card = {"architecture": architecture.model_dump(mode="json"), **_UNTRAINED_CARD}
    return TrainedCodec(Delivered(weights, card, sha256_json(digest)), device)
