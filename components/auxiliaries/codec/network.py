"""Encoder and decoder of the small codec."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from components.auxiliaries.codec.params import Architecture
from components.auxiliaries.codec.quantiser import ResidualQuantiser
from components.nn.linear import Linear

_PITCH_FEATURES = 2
_START_HZ = 150.0
"""Where the decoder's pitch begins; its last layer then only learns the difference."""


@dataclass(frozen=True)
class Sound:
    """What the decoder says of each frame of the analysis.

    Attributes:
        mel: [B, T, n_mels] natural log of amplitudes.
        log_f0: [B, T] ln Hz.
        voicing: [B, T] logits.
    """

    mel: Tensor
    log_f0: Tensor
    voicing: Tensor


class Block(nn.Module):
    """A ConvNeXt block in one dimension (Liu et al. 2022; as in Vocos, Siuzdak 2023, section 3.3)."""

    def __init__(self, channels: int, kernel: int, expansion: int) -> None:
        super().__init__()
        self.mix = nn.Conv1d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.widen = Linear(channels, expansion * channels)
        self.narrow = Linear(expansion * channels, channels)
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] → [B, T, C]."""
        mixed = self.norm(self.mix(x.transpose(1, 2)).transpose(1, 2))
        output: Tensor = x + self.narrow(self.activation(self.widen(mixed)))
        return output


class CodecNetwork(nn.Module):
    """What is learned: mel and pitch → latent → codes → latent → mel and pitch.

    Args:
        architecture: dimensions.
        decay, restart_below: of the quantiser; without meaning when nothing is trained.
    """

    mel_centre: Tensor
    mel_spread: Tensor
    pitch_centre: Tensor
    pitch_spread: Tensor

    def __init__(self, architecture: Architecture, decay: float = 0.5, restart_below: float = 0.0) -> None:
        super().__init__()
        a = architecture
        self.architecture, c = a, a.channels
        self.register_buffer("mel_centre", torch.zeros(a.n_mels))
        self.register_buffer("mel_spread", torch.ones(a.n_mels))
        self.register_buffer("pitch_centre", torch.tensor(_START_HZ).log())
        self.register_buffer("pitch_spread", torch.ones(()))
        self.listen = Linear((a.n_mels + _PITCH_FEATURES) * a.stride, c)
        self.encoder = nn.Sequential(*(Block(c, a.kernel, a.expansion) for _ in range(a.encoder_layers)))
        self.to_latent = Linear(c, a.latent_dim)
        self.quantiser = ResidualQuantiser(a.n_codebooks, a.codebook_size, a.latent_dim, decay, restart_below)
        self.from_latent = Linear(a.latent_dim, c * a.stride)
        self.decoder = nn.Sequential(*(Block(c, a.kernel, a.expansion) for _ in range(a.decoder_layers)))
        self.norm = nn.LayerNorm(c)
        self.speak = Linear(c, a.n_mels + _PITCH_FEATURES)

    @property
    def reach(self) -> int:
        """Frames of the analysis on either side that the decoder's output depends on."""
        return self.architecture.decoder_layers * (self.architecture.kernel // 2)

    def latent(self, mel: Tensor, log_f0: Tensor, voiced: Tensor) -> Tensor:
        """What is quantised.

        Args:
            mel: [B, T · stride, n_mels] natural log.
            log_f0: [B, T · stride] ln Hz, of any value where unvoiced.
            voiced: [B, T · stride] bool.

        Returns:
            [B, T, latent_dim].
        """
        sound = (mel - self.mel_centre) / self.mel_spread
        pitch = (log_f0 - self.pitch_centre) / self.pitch_spread
        keep = voiced.to(mel.dtype)
        x = torch.cat([sound, (pitch * keep).unsqueeze(-1), keep.unsqueeze(-1)], dim=-1)
        x = x.reshape(len(x), -1, self.listen.in_features)
        found: Tensor = self.to_latent(self.encoder(self.listen(x)))
        return found

    def sound(self, latent: Tensor) -> Sound:
        """[B, T, latent_dim] → the sound of T · stride frames."""
        a = self.architecture
        x = self.from_latent(latent).reshape(len(latent), -1, a.channels)
        told = self.speak(self.norm(self.decoder(x))).float()
        mel, pitch = told.split([a.n_mels, _PITCH_FEATURES], dim=-1)
        log_f0 = self.pitch_centre + self.pitch_spread * pitch[..., 0]
        return Sound(self.mel_centre + self.mel_spread * mel, log_f0, pitch[..., 1])

    def copied(self, mel: Tensor, log_f0: Tensor, voiced: Tensor, codebooks: int) -> Sound:
        """The sound of what `latent` takes, through the first codebooks."""
        codes = self.quantiser.encode(self.latent(mel, log_f0, voiced))
        return self.sound(self.quantiser.decode(codes[:, :codebooks]))
