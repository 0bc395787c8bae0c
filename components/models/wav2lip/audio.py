"""What is heard: convolutions over the mel, and conformers while there still is time to look around in."""

from __future__ import annotations

import math

from torch import Tensor, nn

from components.models.wav2lip.layers import ConvBlock
from components.models.wav2lip.params import Architecture
from components.nn.conformer import Conformer
from components.nn.linear import Linear


class AudioEncoder(nn.Module):
    """Mel window [B, n_mels, 16] → [B, C].

    Upstream's convolutions end with a time axis of one, where attention has nothing to attend to. The
    conformers therefore stand after the first halvings of the bands (80 → 27 → 9), where all 16 frames are
    left: bands and channels become the width of a frame, the conformers' result is added to what they saw.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        a = architecture
        one, two, three = a.audio_channels
        self.before = nn.Sequential(
            ConvBlock(1, one, 3), ConvBlock(one, two, 3, (3, 1)), ConvBlock(two, two, 3, (3, 1))
        )
        bands = _divided(a.n_mels, 3, 3)
        self.enter = Linear(two * bands, a.conformer_dim)
        self.conformers = Conformer(
            a.conformer_dim, a.conformer_blocks, a.conformer_heads, a.conformer_kernel, a.mel_window_frames
        )
        self.leave = Linear(a.conformer_dim, two * bands)
        self.after = nn.Sequential(ConvBlock(two, three, 3, (3, 2)), ConvBlock(three, three, 3, (3, 2)))
        bands, frames = _divided(bands, 3, 3), _divided(a.mel_window_frames, 2, 2)
        self.end = Linear(three * bands * frames, a.audio_dim)

    def forward(self, mel: Tensor) -> Tensor:
        """One vector of a window.

        Args:
            mel: [B, n_mels, T] in [-4, 4], T = 16.

        Returns:
            [B, C], C = ``audio_dim``.
        """
        x = self.before(mel.unsqueeze(1) / 4.0)
        batch, channels, bands, frames = x.shape
        heard = self.conformers(self.enter(x.permute(0, 3, 1, 2).flatten(2)))
        added = self.leave(heard).view(batch, frames, channels, bands).permute(0, 2, 3, 1)
        made: Tensor = self.end(self.after(x + added).flatten(1))
        return made


def _divided(length: int, *strides: int) -> int:
    """What padded convolutions of these strides leave of a length."""
    for stride in strides:
        length = math.ceil(length / stride)
    return length
