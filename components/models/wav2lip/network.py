"""The generator: a face without its mouth, the same face at another time, and speech → the face speaking."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.models.wav2lip.audio import AudioEncoder
from components.models.wav2lip.layers import ConvBlock
from components.models.wav2lip.params import Architecture
from components.models.wav2lip.visual import VisualEncoder

#: At the beginning the given face stays but for faint strokes.
_KEPT_FIRST, _FIRST_STROKE = 4.0, 0.1
_DARKEST = 0.004  # a level of 256


class Generator(nn.Module):
    """Wav2Lip (Prajwal et al. 2020, section 3.2) with SwinV2 for its face encoder and conformers in its audio
    encoder, as the research log has it.

    Differs besides: the speech joins at the coarsest map (S / 32) instead of at a single cell; the decoder
    doubles by nearest neighbour and convolution instead of by transposed convolution, which leaves no
    checkerboard. What need not change is kept: the decoder says for every pixel how much of the given face
    stays (as Pumarola et al. 2018, GANimation, equation 1, do; here in logits, so that what is painted learns
    where all is kept too). It begins by keeping all: hair and skin cost no learning.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        channels = architecture.decoder_channels
        self.size = architecture.image_size
        self.visual, self.audio = VisualEncoder(architecture), AudioEncoder(architecture)
        self.join = ConvBlock(channels[-1] + architecture.audio_dim, channels[-1], 3)
        self.ups = nn.ModuleList(
            nn.Sequential(ConvBlock(deeper + own, own, 3), ConvBlock(own, own, 3))
            for own, deeper in zip(channels[-2::-1], channels[:0:-1], strict=True)
        )
        self.end = nn.Conv2d(channels[0], 4, 1)
        with torch.no_grad():
            self.end.weight.mul_(_FIRST_STROKE)
            self.end.bias.copy_(torch.tensor([0.0, 0.0, 0.0, _KEPT_FIRST]))

    def forward(self, pictures: Tensor, mel: Tensor) -> Tensor:
        """Faces.

        Args:
            pictures: [B, 6, S, S] in [0, 1]: the frame with its lower half at 0, then the reference.
            mel: [B, n_mels, 16] in [-4, 4], centred on the frame.

        Returns:
            [B, 3, S, S] in [0, 1], float32.
        """
        maps, heard = self.visual(pictures), self.audio(mel)
        coarse = maps.pop()
        said = heard[:, :, None, None].expand(-1, -1, *coarse.shape[2:])
        x = self.join(torch.cat([coarse, said], dim=1))
        for up in self.ups:
            skip = maps.pop()
            x = up(torch.cat([F.interpolate(x, scale_factor=2.0, mode="nearest"), skip], dim=1))
        painted, kept = self.end(x).float().split([3, 1], dim=1)
        given = torch.logit(_given(pictures).float(), _DARKEST)
        return torch.sigmoid(torch.sigmoid(kept) * given + painted)


def _given(pictures: Tensor) -> Tensor:
    """[B, 6, S, S] → [B, 3, S, S]: the frame above, the reference where the frame is hidden."""
    half = pictures.shape[-2] // 2
    return torch.cat([pictures[:, :3, :half], pictures[:, 3:, half:]], dim=2)


def hidden_below(faces: Tensor) -> Tensor:
    """[..., 3, S, S] with the lower half at 0: the head's pose stays, the mouth goes."""
    hidden = faces.clone()
    hidden[..., faces.shape[-2] // 2 :, :] = 0.0
    return hidden


class QualityJudge(nn.Module):
    """Whether a lower half looks like a photograph (section 3.3): convolutions to one logit a picture.

    Differs: logits, so that the cross-entropy is safe in half precision; the depth follows from the size.

    Args:
        architecture: of the generator, with ``judge_channels``.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.size = architecture.image_size
        inputs, layers = 3, []
        for outputs in architecture.judge_channels:
            layers += [nn.Conv2d(inputs, outputs, 5, 2, 2), nn.LeakyReLU(0.2)]
            inputs = outputs
        self.body = nn.Sequential(*layers)
        self.end = nn.Conv2d(inputs, 1, 1)

    def forward(self, faces: Tensor) -> Tensor:
        """[B, 3, S, S] in [0, 1] → logits [B], float32; positive is real."""
        lower = faces[..., self.size // 2 :, :] - 0.5
        logits: Tensor = self.end(self.body(lower)).float().mean(dim=(1, 2, 3))
        return logits
