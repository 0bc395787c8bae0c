"""The generator: a face without its mouth, the same face at another time, and speech → the face speaking."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.auxiliaries.syncnet.network import SyncNet
from components.auxiliaries.syncnet.params import Architecture as TowerArchitecture
from components.models.wav2lip.audio import AudioEncoder
from components.models.wav2lip.layers import ConvBlock
from components.models.wav2lip.params import Architecture
from components.models.wav2lip.visual import VisualEncoder
from components.nn.linear import Linear

#: At the beginning the given face stays but for faint strokes.
_KEPT_FIRST, _FIRST_STROKE = 3.0, 0.3
#: Speech begins faintly: as loud as the face it is noise, which a training first unlearns to hear. That alone
#: does not suffice (docs/log.md).
_FIRST_WORD = 0.2
_LOUD = 4.0
_DARKEST = 0.004  # a level of 256
#: Top, bottom, left and right of the mouth in a crop, shares of its side; cells of a picture without a mouth.
_MOUTH, _COARSE = (0.6, 0.9, 0.25, 0.75), 6


class Tower(nn.Module):
    """The frozen audio tower of a SyncNet: what it hears is what lips say."""

    def __init__(self, architecture: TowerArchitecture) -> None:
        super().__init__()
        self.syncnet = SyncNet(architecture)
        del self.syncnet.face, self.syncnet.face_end
        self.requires_grad_(False)

    def forward(self, mel: Tensor) -> Tensor:
        """[B, n_mels, 16] → [B, E], of length `_LOUD`."""
        return _LOUD * self.syncnet.hear(mel)


class Generator(nn.Module):
    """Wav2Lip (Prajwal et al. 2020, section 3.2) with SwinV2 for its face encoder and conformers in its audio
    encoder, as the research log has it.

    Differs besides: the speech joins at the coarsest map (S / 32) instead of at a single cell, and scales and
    shifts the channels of every finer one (Perez et al. 2018, FiLM), else it is hardly heard there. It
    doubles by nearest neighbour and convolution instead of by transposed convolution, which leaves no
    checkerboard. What need not change is kept: the decoder says for every pixel how much of the given face
    stays (as Pumarola et al. 2018, GANimation, equation 1, do; here in logits, so that what is painted learns
    where all is kept too). It begins by keeping all but the mouth: hair and skin cost no learning, and
    no mouth is there to be copied, which is where a training stays otherwise (docs/log.md).
    """

    def __init__(self, architecture: Architecture, tower: TowerArchitecture | None = None) -> None:
        super().__init__()
        channels = architecture.decoder_channels
        heard = architecture.audio_dim if tower is None else tower.embedding_dim
        self.size = architecture.image_size
        self.visual = VisualEncoder(architecture)
        self.audio: nn.Module = AudioEncoder(architecture) if tower is None else Tower(tower)
        self._shuffled = architecture.decoder_top == "shuffle"
        self._lower = architecture.decoder_rows == "lower"
        self.join = ConvBlock(channels[-1] + heard, channels[-1], 3)
        widths = channels[1:] if self._shuffled else channels
        self.ups = nn.ModuleList(
            nn.Sequential(ConvBlock(deeper + own, own, 3), ConvBlock(own, own, 3))
            for own, deeper in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )
        self.said = nn.ModuleList(Linear(heard, 2 * own) for own in widths[-2::-1])
        self.end = nn.Conv2d(widths[0], 16, 3, 1, 1) if self._shuffled else nn.Conv2d(widths[0], 4, 1)
        self._begin()

    @torch.no_grad()
    def _begin(self) -> None:
        """Faint words and strokes; the four pixels of a shuffled cell begin alike: no checkerboard."""
        coarse = self.join.convolution.out_channels
        self.join.convolution.weight[:, coarse:].mul_(_FIRST_WORD)
        for speech in self.said:
            speech.get_parameter("weight").mul_(_FIRST_WORD)
        alike = len(self.end.weight) // 4
        self.end.weight.copy_(self.end.weight[::alike].repeat_interleave(alike, 0).mul_(_FIRST_STROKE))
        first = torch.tensor([0.0, 0.0, 0.0, _KEPT_FIRST])
        self.end.get_parameter("bias").copy_(first.repeat_interleave(alike))

    def forward(self, pictures: Tensor, mel: Tensor) -> Tensor:
        """Faces.

        Args:
            pictures: [B, 6, S, S] in [0, 1]: the frame with its lower half at 0, then the reference; or
                [1, 6, S, S], a still that is looked at once for all the sounds.
            mel: [B, n_mels, 16] in [-4, 4], centred on the frame.

        Returns:
            [B, 3, S, S] in [0, 1], float32.
        """
        count, heard = len(mel), self.audio(mel)
        maps = [one.expand(count, -1, -1, -1) for one in self.visual(pictures)]
        coarse = maps.pop()
        said = heard[:, :, None, None].expand(-1, -1, *coarse.shape[2:])
        # Channels last, a third less time on CPUs: what is joined decides for the whole decoder.
        x = self.join(torch.cat([coarse, said], dim=1).contiguous(memory_format=torch.channels_last))
        for place, (up, speech) in enumerate(zip(self.ups, self.said, strict=True)):
            first, second = up.children()
            doubled = F.interpolate(x, scale_factor=2.0, mode="nearest")
            skip = maps.pop()
            if self._lower:
                skip, doubled = _below(skip), doubled if place else _below(doubled)
            scale, shift = speech(heard)[:, :, None, None].chunk(2, dim=1)
            x = second(first(torch.cat([doubled, skip], dim=1)) * (1.0 + scale) + shift)
        strokes = self.end(x)
        if self._shuffled:
            strokes = F.pixel_shuffle(strokes, 2)
        painted, kept = strokes.float().split([3, 1], dim=1)
        given = _given(pictures).float().expand(count, -1, -1, -1)
        stays = _below(given) if self._lower else given
        made = torch.sigmoid(torch.sigmoid(kept) * torch.logit(stays, _DARKEST) + painted)
        return torch.cat([given[..., : self.size // 2, :], made], dim=2) if self._lower else made


def _below(maps: Tensor) -> Tensor:
    """The lower half, a view."""
    return maps[..., maps.shape[-2] // 2 :, :]


def _given(pictures: Tensor) -> Tensor:
    """[B, 6, S, S] → [B, 3, S, S]: the frame above, the reference where the frame is hidden, but of its mouth
    only the colours of the surroundings: what can be kept is kept, and nothing is said."""
    size = pictures.shape[-1]
    top, bottom, left, right = mouth_box(size)
    given = torch.cat([pictures[:, :3, : size // 2], pictures[:, 3:, size // 2 :]], dim=2)
    coarse = F.adaptive_avg_pool2d(pictures[:, 3:], _COARSE)
    smooth = F.interpolate(coarse, size=(size, size), mode="bilinear")
    given[..., top:bottom, left:right] = smooth[..., top:bottom, left:right]
    return given


def mouth_box(size: int) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of the mouth in a crop of that size, pixels."""
    top, bottom, left, right = (round(share * size) for share in _MOUTH)
    return top, bottom, left, right


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
