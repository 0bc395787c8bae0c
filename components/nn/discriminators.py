"""HiFi-GAN's judges: several periods, several scales; each gives a score map and its hidden layers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from components.nn.adversarial import Judgement
from components.nn.discriminator_params import DiscriminatorParams

_SLOPE = 0.1
_PERIOD_KERNEL, _PERIOD_STRIDE = 5, 3
_SCORE_KERNEL = 3
_POOL, _POOL_STRIDE = 4, 2


class PeriodDiscriminator(nn.Module):
    """Sees every p-th sample in a column of its own (section 2.3, "MPD")."""

    def __init__(self, period: int, channels: Sequence[int]) -> None:
        super().__init__()
        self.period = period
        widths = [1, *channels]
        strides = [*[_PERIOD_STRIDE] * (len(channels) - 1), 1]
        self.convolutions = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, (_PERIOD_KERNEL, 1), (stride, 1), padding=(_PERIOD_KERNEL // 2, 0)))
            for a, b, stride in zip(widths[:-1], widths[1:], strides, strict=True)
        )
        score = nn.Conv2d(channels[-1], 1, (_SCORE_KERNEL, 1), padding=(_SCORE_KERNEL // 2, 0))
        self.score = weight_norm(score)

    def forward(self, samples: Tensor) -> Judgement:
        """Judge samples [B, N]; filled up by reflection to whole periods."""
        missing = -samples.shape[1] % self.period
        filled = F.pad(samples[:, None], (0, missing), mode="reflect")
        return judged(filled.view(len(filled), 1, -1, self.period), self.convolutions, self.score)


class ScaleDiscriminator(nn.Module):
    """Sees the samples in order (section 2.3, "MSD"; appendix B).

    Args:
        params: layers.
        spectral: spectral instead of weight norm.
    """

    def __init__(self, params: DiscriminatorParams, spectral: bool) -> None:
        super().__init__()
        norm = spectral_norm if spectral else weight_norm
        widths = [1, *params.scale_channels]
        layers = zip(params.scale_kernels, params.scale_strides, params.scale_groups, strict=True)
        self.convolutions = nn.ModuleList(
            norm(nn.Conv1d(a, b, kernel, stride, padding=kernel // 2, groups=groups))
            for a, b, (kernel, stride, groups) in zip(widths[:-1], widths[1:], layers, strict=True)
        )
        self.score = norm(nn.Conv1d(widths[-1], 1, _SCORE_KERNEL, padding=_SCORE_KERNEL // 2))

    def forward(self, samples: Tensor) -> Judgement:
        """Judge samples [B, N]."""
        return judged(samples[:, None], self.convolutions, self.score)


class Discriminators(nn.Module):
    """All of them over the same signals, each scale at half the rate of the one before.

    Args:
        params: layers.
        spectral: spectral norm on the raw signal's scale discriminator, as HiFi-GAN has it; VITS has none.
    """

    def __init__(self, params: DiscriminatorParams, spectral: bool = True) -> None:
        super().__init__()
        self.periods = nn.ModuleList(PeriodDiscriminator(p, params.period_channels) for p in params.periods)
        self.scales = nn.ModuleList(
            ScaleDiscriminator(params, spectral and place == 0) for place in range(params.scales)
        )

    def forward(self, samples: Tensor) -> list[Judgement]:
        """Judge samples [B, N]."""
        judgements = [judge(samples) for judge in self.periods]
        for place, judge in enumerate(self.scales):
            if place > 0:
                pooled = F.avg_pool1d(samples[:, None], _POOL, _POOL_STRIDE, padding=_POOL // 2)
                samples = pooled.squeeze(1)
            judgements.append(judge(samples))
        return judgements


def judged(signal: Tensor, convolutions: nn.ModuleList, score: nn.Module) -> Judgement:
    """Through convolutions with rectifiers to a score map; signal [B, C, ...]."""
    layers = []
    for convolution in convolutions:
        signal = F.leaky_relu(convolution(signal), _SLOPE)
        layers.append(signal)
    scores = score(signal)
    return Judgement(torch.flatten(scores, 1), (*layers, scores))
