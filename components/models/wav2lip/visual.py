"""What is seen: SwinV2 for the deep maps, a shallow convolution for the fine ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.core.errors import ConfigError
from components.models.wav2lip.layers import ConvBlock
from components.models.wav2lip.params import Architecture
from components.nn.linear import quicken

#: Of ImageNet, which published weights expect, for each of the two pictures.
_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_STEM = "embeddings.patch_embeddings.projection.weight"


class VisualEncoder(nn.Module):
    """Six channels (masked target and reference) → maps at six sizes, or five.

    SwinV2 (Liu et al. 2022) begins with patches of four pixels, so it has no maps of S and S / 2: without
    them a decoder blurs teeth and lips. A shallow stem of convolutions gives those two. 1 × 1 convolutions
    bring SwinV2's widths to the decoder's. Where the decoder's top is shuffled, the stem folds four pixels
    into the channels of one instead (Shi et al. 2016, backwards), and no map has the size S.

    Args:
        architecture: of the generator.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        full, half, *deep = architecture.decoder_channels
        self._shuffled = architecture.decoder_top == "shuffle"
        stem = (
            [ConvBlock(24, half, 3)]
            if self._shuffled
            else [ConvBlock(6, full, 3), ConvBlock(full, half, 3, 2)]
        )
        self.fine = nn.ModuleList(stem)
        self.swin = swin_of(architecture)
        widths = [architecture.visual_encoder.embed_dim * 2**stage for stage in range(4)]
        self.adapters = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(widths, deep, strict=True))
        self.register_buffer("mean", torch.tensor(_MEAN * 2).view(6, 1, 1), persistent=False)
        self.register_buffer("spread", torch.tensor(_SPREAD * 2).view(6, 1, 1), persistent=False)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Maps, finest first.

        Args:
            pictures: [B, 6, S, S] in [0, 1].

        Returns:
            [B, C_i, S / 2^i, S / 2^i] for i = 0 … 5, C = ``decoder_channels``; i = 1 … 5 with a shuffled top.
        """
        scaled = (pictures - self.mean) / self.spread
        first = F.pixel_unshuffle(scaled, 2) if self._shuffled else scaled
        maps: list[Tensor] = []
        for layer in self.fine:
            maps.append(layer(maps[-1] if maps else first.contiguous(memory_format=torch.channels_last)))
        found = self.swin(scaled, output_hidden_states=True).reshaped_hidden_states
        # The fourth stage does not shrink: the last two maps are of one size, and only its output is taken.
        stages = [*found[:3], found[4]]
        maps += [adapter(one) for adapter, one in zip(self.adapters, stages, strict=True)]
        return maps


def swin_of(architecture: Architecture) -> Any:
    """`transformers.Swinv2Model` of these dimensions with six input channels, weights drawn."""
    from transformers import Swinv2Config, Swinv2Model

    asked = architecture.visual_encoder
    config = Swinv2Config(
        image_size=architecture.image_size,
        patch_size=4,
        num_channels=6,
        embed_dim=asked.embed_dim,
        depths=list(asked.depths),
        num_heads=list(asked.heads),
        window_size=asked.window,
        drop_path_rate=0.0,
    )
    return quicken(Swinv2Model(config, add_pooling_layer=False))


def six_channels(weights: Tensor) -> Tensor:
    """A stem's weights of three channels [C, 3, 4, 4] for six: twice, and halved, so that two equal pictures
    give what one gave."""
    return torch.cat([weights, weights], dim=1) / 2.0


def load_published(encoder: VisualEncoder, checkpoint: str) -> None:
    """Take over published SwinV2 weights of three channels.

    Args:
        checkpoint: a local folder in the hub's layout, or a hub id.

    Raises:
        ConfigError: none there, or of other dimensions.
    """
    from transformers import Swinv2Model

    try:
        published = Swinv2Model.from_pretrained(checkpoint, add_pooling_layer=False).state_dict()
    except (OSError, ValueError) as error:
        raise _unfit(checkpoint, f"nothing that loads ({str(error).splitlines()[0]})") from error
    own = encoder.swin.state_dict()
    given: dict[str, Tensor] = {
        **published,
        _STEM: six_channels(published[_STEM]) if published[_STEM].shape[1] == 3 else published[_STEM],
    }
    for name in sorted({*own, *given}):
        if _shape(own, name) != _shape(given, name):
            raise _unfit(checkpoint, f"{name} of shape {_shape(given, name)}, not {_shape(own, name)}")
    encoder.swin.load_state_dict(given)


def _shape(weights: Mapping[str, Tensor], name: str) -> list[int] | None:
    return list(weights[name].shape) if name in weights else None


def _unfit(checkpoint: str, found: str) -> ConfigError:
    return ConfigError(
        who=f"models.wav2lip.architecture.visual_encoder.checkpoint {checkpoint}",
        expected="SwinV2 weights of the dimensions of models.wav2lip.architecture",
        found=found,
        action="name another checkpoint, or leave it empty to begin from drawn weights",
    )
