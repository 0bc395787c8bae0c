"""HiFi-GAN's generator: a mel is upsampled to samples by transposed convolutions and residual blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import weight_norm

from components.auxiliaries.vocoder.contract import checked, chunk_bounds
from components.auxiliaries.vocoder.params import Generator as GeneratorParams
from components.auxiliaries.vocoder.params import Streaming
from components.features.mel import MelAnalysis

_SLOPE = 0.1
"""Of the leaky rectifiers, as published."""
_INITIAL_DEVIATION = 0.01
_OUTER_KERNEL = 7
"""Of the first and the last convolution, as published."""


class ResidualBlock(nn.Module):
    """Pairs of a dilated and a plain convolution, each pair added to its input (figure 1, "ResBlock")."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.dilated = nn.ModuleList(_same(channels, channels, kernel, dilation) for dilation in dilations)
        self.plain = nn.ModuleList(_same(channels, channels, kernel, 1) for _ in dilations)

    def forward(self, signal: Tensor) -> Tensor:
        """[B, C, N] → the same."""
        for dilated, plain in zip(self.dilated, self.plain, strict=True):
            inner = dilated(F.leaky_relu(signal, _SLOPE))
            signal = signal + plain(F.leaky_relu(inner, _SLOPE))
        return signal


class ResidualBlocks(nn.Module):
    """Blocks of several kernels side by side, averaged (multi-receptive field fusion)."""

    def __init__(self, channels: int, kernels: tuple[int, ...], dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ResidualBlock(channels, kernel, dilations) for kernel in kernels)

    def forward(self, signal: Tensor) -> Tensor:
        """[B, C, N] → the same."""
        summed = self.blocks[0](signal)
        for block in self.blocks[1:]:
            summed = summed + block(signal)
        mean: Tensor = summed / len(self.blocks)
        return mean


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
        self.first = _same(n_mels, channels, _OUTER_KERNEL, 1)
        self.upsamplings, self.blocks = nn.ModuleList(), nn.ModuleList()
        for rate, kernel in zip(params.upsample_rates, params.upsample_kernels, strict=True):
            self.upsamplings.append(
                nn.ConvTranspose1d(channels, channels // 2, kernel, rate, padding=(kernel - rate) // 2)
            )
            channels //= 2
            self.blocks.append(ResidualBlocks(channels, params.resblock_kernels, params.resblock_dilations))
        self.last = _same(channels, 1, _OUTER_KERNEL, 1)
        for module in [*self.upsamplings.modules(), *self.blocks.modules()]:
            if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
                nn.init.normal_(module.weight, 0.0, _INITIAL_DEVIATION)

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
        widest = max(params.resblock_kernels) // 2
        inside = widest * sum(dilation + 1 for dilation in params.resblock_dilations)
        outer, length = Fraction(_OUTER_KERNEL // 2), 1  # length: samples to a frame so far
        reach = outer
        for rate, kernel in zip(params.upsample_rates, params.upsample_kernels, strict=True):
            reach += Fraction(-(-kernel // rate), length)
            length *= rate
            reach += Fraction(inside, length)
        return -int(-(reach + outer / length) // 1)


def add_weight_norm(network: nn.Module) -> None:
    """Split every convolution's weight into length and direction (Salimans and Kingma 2016), for training."""
    for module in list(network.modules()):
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.ConvTranspose1d):
            weight_norm(module)


def folded(generator: HifiGanGenerator, weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The plain weights of a weight-normed generator.

    Args:
        generator: any plain one of the same dimensions; it is changed.
        weights: a training state that holds the generator's under ``prefix``.
    """
    add_weight_norm(generator)
    own = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    generator.load_state_dict(own)
    for module in list(generator.modules()):
        if parametrize.is_parametrized(module):
            parametrize.remove_parametrizations(module, "weight")
    return {name: value.detach().clone().contiguous() for name, value in generator.state_dict().items()}


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


def _same(before: int, after: int, kernel: int, dilation: int) -> nn.Conv1d:
    """A convolution that keeps the length."""
    return nn.Conv1d(before, after, kernel, dilation=dilation, padding=dilation * (kernel // 2))
