"""HiFi-GAN's generator: a mel is upsampled to samples by transposed convolutions and residual blocks."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.auxiliaries.vocoder.contract import checked, chunk_bounds
from components.auxiliaries.vocoder.params import Generator as GeneratorParams
from components.auxiliaries.vocoder.params import Streaming
from components.features.mel import MelAnalysis
from components.nn.residual_blocks import (
    ResidualBlocks,
    residual_reach,
    same_length,
    start_small,
    upsampling_reach,
)

_SLOPE = 0.1
"""Of the leaky rectifiers, as published."""
_OUTER_KERNEL = 7
"""Of the first and the last convolution, as published."""


class HifiGanGenerator(nn.Module):
    """HiFi-GAN V1 at 512 channels (Kong, Kim and Bae 2020, section 2.2).

    Differs: the mel's frames are centred (`components.features.mel`), so frame t is the middle of its hop's
    left edge, not of the hop; the network learns that shift. Weight norm exists in training only.

    Args:
        params: dimensions.
        n_mels: bands of the mel.
    """

    def __init__(self, params: GeneratorParams, n_mels: int) -> None:
        super().__init__()
        self._params = params
        channels = params.initial_channels
        self.first = same_length(n_mels, channels, _OUTER_KERNEL, 1)
        self.upsamplings, self.blocks = nn.ModuleList(), nn.ModuleList()
        for rate, kernel in zip(params.upsample_rates, params.upsample_kernels, strict=True):
            self.upsamplings.append(
                nn.ConvTranspose1d(channels, channels // 2, kernel, rate, padding=(kernel - rate) // 2)
            )
            channels //= 2
            self.blocks.append(ResidualBlocks(channels, params.resblock_kernels, params.resblock_dilations))
        self.last = same_length(channels, 1, _OUTER_KERNEL, 1)
        start_small(self.upsamplings, self.blocks)

    def forward(self, log_mel: Tensor) -> Tensor:
        """[B, T, n_mels] → [B, T · hop] in (-1, 1)."""
        signal = self.first(log_mel.transpose(1, 2))
        for upsampling, blocks in zip(self.upsamplings, self.blocks, strict=True):
            signal = upsampling(F.leaky_relu(signal, _SLOPE))
            signal = blocks(signal)
        return torch.tanh(self.last(F.leaky_relu(signal))).squeeze(1)

    @property
    def reach_frames(self) -> int:
        """Frames on either side of a hop that its samples depend on, at most."""
        params = self._params
        widest = residual_reach(params.resblock_kernels, params.resblock_dilations)
        return upsampling_reach(params.upsample_rates, params.upsample_kernels, widest, _OUTER_KERNEL // 2)


class HifiGanVocoder:
    """A delivered generator; see `contract.Vocoder`. f0 is not used.

    Args:
        analysis: the mel's definition.
        generator: with plain weights.
        streaming: sizes of chunks.
        device: where it computes.
        weights_sha256: of the delivered file.
    """

    def __init__(
        self,
        analysis: MelAnalysis,
        generator: HifiGanGenerator,
        streaming: Streaming,
        device: torch.device,
        weights_sha256: str,
    ) -> None:
        self.analysis, self._streaming, self._device = analysis, streaming, device
        self._generator, self.weights_sha256 = generator.to(device).eval(), weights_sha256

    @torch.inference_mode()
    def __call__(self, log_mel: Tensor, f0: Tensor | None = None) -> Tensor:
        """Waveform of a mel; see `contract.Vocoder`."""
        mel = checked(log_mel, f0, self.analysis, self._device)
        return self._samples(mel, 0, len(mel) - 1)

    def stream(self, log_mel: Tensor, f0: Tensor | None = None) -> Iterator[Tensor]:
        """The same in chunks, each from its own frames and those within the receptive field."""
        mel = checked(log_mel, f0, self.analysis, self._device)
        bounds = chunk_bounds(len(mel) - 1, self._streaming.first_chunk_frames, self._streaming.chunk_frames)
        return (self._samples(mel, start, stop) for start, stop in bounds)

    @torch.inference_mode()
    def _samples(self, mel: Tensor, start: int, stop: int) -> Tensor:
        reach, hop = self._generator.reach_frames, self.analysis.hop_length
        first = max(0, start - reach)
        samples: Tensor = self._generator(mel[None, first : stop + 1 + reach])[0]
        return samples[(start - first) * hop : (stop - first) * hop]
