"""A network that brings a codec's sound nearer to the voice of a prompt, frame by frame.

Two ways in: every block is told of the voice as a whole (feature-wise scales and biases, Perez et al. 2018),
and each frame looks for frames of the prompt's copy that sound like it, to see what they sounded like in the
prompt itself. The last layer begins at zero: untrained, it moves averages alone, as `components.nn.timbre`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.core.errors import ConfigError
from components.nn.delivered import read_delivered
from components.nn.linear import Linear
from components.nn.timbre import Frames, Shift

NAME = "timbre"
SHIPPED = f"pretrained/{NAME}"
_VOICED_FEATURES = 2
"""ln f0 and voicing of a frame of speech; of the prompt, mean ln f0 of recording and copy."""
_STATISTICS = 4
"""Per band of a voice: average, spread, what the copy's average misses, and the speech's way to it."""
_HIDDEN, _KEY_HIDDEN = 256, 128
_LEAST_VARIANCE = 1e-4
_LEAST_WIDENED, _MOST_WIDENED = 0.7, 1.5


@dataclass(frozen=True)
class Sizes:
    """See ``auxiliaries.timbre.architecture``; ``n_mels`` is the codec's."""

    n_mels: int
    channels: int
    layers: int
    kernel: int
    expansion: int
    voice_dim: int
    attention_dim: int

    @classmethod
    def of(cls, architecture: Mapping[str, Any], n_mels: int) -> Sizes:
        """Those of a card."""
        names = ("channels", "layers", "kernel", "expansion", "voice_dim", "attention_dim")
        return cls(n_mels, *(int(architecture[name]) for name in names))


@dataclass(frozen=True)
class Known:
    """What is known of voices before they speak.

    Attributes:
        average, spread, missed: [B, n_mels] over voiced frames of the prompt: mean ln amplitudes, their
            standard deviation, and what the mean of the copy misses of the first.
        pitch: [B, 2] mean ln Hz of the prompt and its copy.
        heard, copied: [B, P, n_mels] ln amplitudes of prompt and copy.
        voiced: [B, P] bool, in both.
    """

    average: Tensor
    spread: Tensor
    missed: Tensor
    pitch: Tensor
    heard: Tensor
    copied: Tensor
    voiced: Tensor

    @classmethod
    def of(cls, frames: Frames) -> Known:
        """From frames [B, P, …] of prompts and their copies."""
        average, spread = over_voiced(frames.mel, frames.voiced)
        copied, _ = over_voiced(frames.copy, frames.voiced)
        pitch = [over_voiced(one[..., None], frames.voiced)[0] for one in (frames.log_f0, frames.copy_log_f0)]
        return cls(
            average, spread, average - copied, torch.cat(pitch, 1), frames.mel, frames.copy, frames.voiced
        )


@dataclass(frozen=True)
class Speech:
    """What a codec says: [1, T, n_mels] ln amplitudes, [1, T] ln Hz, probability of voicing, and bool."""

    mel: Tensor
    log_f0: Tensor
    voicing: Tensor
    voiced: Tensor


class VoiceBlock(nn.Module):
    """A ConvNeXt block (see `components.auxiliaries.codec.network`) whose norm follows the voice."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        c, k = sizes.channels, sizes.kernel
        self.mix = nn.Conv1d(c, c, k, padding=k // 2, groups=c)
        self.norm = nn.LayerNorm(c)
        self.follow = Linear(sizes.voice_dim, 2 * c)
        self.widen = Linear(c, sizes.expansion * c)
        self.narrow = Linear(sizes.expansion * c, c)
        for one in (self.follow.weight, self.follow.bias):
            nn.init.zeros_(one)

    def forward(self, x: Tensor, voice: Tensor) -> Tensor:
        """[B, T, C], voice [B, voice_dim] → [B, T, C]."""
        mixed = self.norm(self.mix(x.transpose(1, 2)).transpose(1, 2))
        scale, bias = self.follow(voice)[:, None].chunk(2, dim=-1)
        output: Tensor = x + self.narrow(F.relu(self.widen(mixed * (1.0 + scale) + bias)))
        return output


class TimbreNetwork(nn.Module):
    """See the module. Buffers are the codec's: what it hears is measured by them."""

    mel_centre: Tensor
    mel_spread: Tensor
    pitch_centre: Tensor
    pitch_spread: Tensor

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        c, mels = sizes.channels, sizes.n_mels
        self.register_buffer("mel_centre", torch.zeros(mels))
        self.register_buffer("mel_spread", torch.ones(mels))
        self.register_buffer("pitch_centre", torch.zeros(()))
        self.register_buffer("pitch_spread", torch.ones(()))
        self.listen = Linear(2 * mels + _VOICED_FEATURES, c)
        self.know = nn.Sequential(
            Linear(_STATISTICS * mels + _VOICED_FEATURES, _HIDDEN),
            nn.ReLU(),
            Linear(_HIDDEN, sizes.voice_dim),
            nn.ReLU(),
        )
        self.blocks = nn.ModuleList(VoiceBlock(sizes) for _ in range(sizes.layers))
        self.seek = Linear(c, sizes.attention_dim)
        self.offer = nn.Sequential(
            Linear(2 * mels + 1, _KEY_HIDDEN), nn.ReLU(), Linear(_KEY_HIDDEN, sizes.attention_dim)
        )
        self.recall = Linear(2 * mels, c)
        self.norm = nn.LayerNorm(c)
        self.speak = Linear(c, mels)
        for layer in (self.recall, self.speak):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    @property
    def reach(self) -> int:
        """Frames of the analysis on either side that a frame depends on."""
        return self.sizes.layers * (self.sizes.kernel // 2)

    def forward(self, mel: Tensor, log_f0: Tensor, voicing: Tensor, known: Known, shift: Tensor) -> Tensor:
        """What the speech sounds like in the voice.

        Args:
            mel: [B, T, n_mels] ln amplitudes of the speech as the codec has it.
            log_f0: [B, T] ln Hz.
            voicing: [B, T] probability.
            known: of B voices.
            shift: [B, n_mels] from the speech's average over voiced frames to the voice's.

        Returns:
            [B, T, n_mels].
        """
        moved = mel + shift[:, None]
        pitch = ((log_f0 - self.pitch_centre) / self.pitch_spread)[..., None]
        x = self.listen(torch.cat([self._even(mel), pitch, voicing[..., None], self._even(moved)], dim=-1))
        voice = self._voice(known, shift)
        for number, block in enumerate(self.blocks):
            x = block(x, voice)
            if number == 1:
                x = x + self._recalled(x, known)
        near: Tensor = moved + self.speak(self.norm(x)).float() * self.mel_spread
        return near

    def _voice(self, known: Known, shift: Tensor) -> Tensor:
        bands = (
            self._even(known.average),
            *(x / self.mel_spread for x in (known.spread, known.missed, shift)),
        )
        pitch = (known.pitch - self.pitch_centre) / self.pitch_spread
        told: Tensor = self.know(torch.cat([*bands, pitch], dim=-1))
        return told

    def _recalled(self, x: Tensor, known: Known) -> Tensor:
        """[B, T, C] of what frames of the prompt that sound like these were in the recording."""
        heard, copied = self._even(known.heard), self._even(known.copied)
        keys = self.offer(torch.cat([copied, heard, known.voiced[..., None].to(copied.dtype)], dim=-1))
        values = self.recall(torch.cat([heard, copied], dim=-1))
        queries = self.seek(x)
        found = F.scaled_dot_product_attention(queries[:, None], keys[:, None], values[:, None])
        return found[:, 0]

    def _even(self, mel: Tensor) -> Tensor:
        return (mel - self.mel_centre) / self.mel_spread


@dataclass(frozen=True)
class Recolouring:
    """A `components.nn.timbre.Change` by the network.

    Attributes:
        network: what makes it.
        known: the voice; one.
        mel: [n_mels] from the speech's average to the voice's; of a stream, of its first chunk.
        log_f0: to the voice's median, in ln Hz.
        share: of the way, 0 … 1.
        centre, widened: [n_mels] of each band, around what and by what factor its movement is widened.
    """

    network: TimbreNetwork
    known: Known
    mel: Tensor
    log_f0: float
    share: float
    centre: Tensor
    widened: Tensor

    @classmethod
    def of(
        cls, network: TimbreNetwork, known: Known, speech: Speech, shift: Shift, share: float, spread: float
    ) -> Recolouring:
        """For speech of one voice.

        Args:
            speech: what has been said, as the codec has it.
            shift: all the way to the voice's averages.
            share: of the way.
            spread: of the way from each band's spread to the prompt's. What is told frame by frame moves
                less than speech does (as parameters in statistical synthesis: Toda and Tokuda 2007).
        """
        near = network(speech.mel, speech.log_f0, speech.voicing, known, shift.mel[None])
        centre, own = over_voiced(near, speech.voiced)
        widened = 1.0 + spread * ((known.spread / own).clamp(_LEAST_WIDENED, _MOST_WIDENED) - 1.0)
        return cls(network, known, shift.mel, shift.log_f0, share, centre[0], widened[0])

    def applied(self, mel: Tensor, log_f0: Tensor, voicing: Tensor) -> tuple[Tensor, Tensor]:
        """See `components.nn.timbre.Change.applied`."""
        near = self.network(mel, log_f0, voicing, self.known, self.mel[None])
        near = self.centre + self.widened * (near - self.centre)
        return mel + self.share * (near - mel), log_f0 + self.share * self.log_f0


def over_voiced(mel: Tensor, voiced: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation [B, n] of [B, T, n] over the frames in ``voiced`` [B, T]."""
    weights = voiced[..., None].to(mel.dtype)
    count = weights.sum(dim=1).clamp(min=1.0)
    mean = (mel * weights).sum(dim=1) / count
    variance = ((mel - mean[:, None]).square() * weights).sum(dim=1) / count
    return mean, (variance + _LEAST_VARIANCE).sqrt()


def load(delivered: Path, codec_sha256: str, device: torch.device) -> TimbreNetwork:
    """The network of a delivered folder.

    Args:
        codec_sha256: of the codec's weights whose sound it is to change.

    Raises:
        DataError: no delivered network there, or only a pickle.
        CorruptFileError: the weights are not the ones that were delivered.
        ConfigError: it learned from another codec.
    """
    found = read_delivered(delivered, NAME)
    learned_from = found.card["codec_sha256"]
    if learned_from != codec_sha256:
        raise ConfigError(
            who=str(delivered),
            expected=f"a network that learned from the codec {codec_sha256[:12]}…",
            found=f"one that learned from {learned_from[:12]}…",
            action="run `make pretrain MODEL=timbre`, or leave models.vallex.inference.timbre.network empty",
        )
    network = TimbreNetwork(Sizes.of(found.card["architecture"], len(found.weights["mel_centre"])))
    network.load_state_dict(dict(found.weights))
    return network.to(device).eval().requires_grad_(False)
