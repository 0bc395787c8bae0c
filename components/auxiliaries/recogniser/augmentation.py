"""What is done to a training mel, so that other throats, rooms and vocoders are not foreign.

Everything works on normalised log-mel frames and costs little beside the network. Masks after SpecAugment
(Park et al. 2019, arXiv:1904.08779); the frequency warp is vocal-tract length perturbation (Jaitly & Hinton
2013) as one interpolation between mel bands. Numbers are drawn from torch's global generator, which the
training loop saves and restores.
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from components.auxiliaries.recogniser.params import Augmentation
from components.features.mel import MelAnalysis, band_centres

#: Points of the random equaliser; between them it is interpolated.
_EQUALISER_POINTS = 5
_TINY = 1.0e-6


class Augmenter:
    """Draws a fresh change for every mel.

    Args:
        params: how much of what.
        analysis: gives the frequencies of the bands.
    """

    def __init__(self, params: Augmentation, analysis: MelAnalysis) -> None:
        self._params, self._analysis = params, analysis

    def __call__(self, mel: Tensor) -> Tensor:
        """A changed copy of a natural-log mel [T, n_mels], before it is normalised."""
        p = self._params
        if _happens(p.warp_share):
            mel = mel @ self.warp(math.exp(_between(math.log(p.warp.min), math.log(p.warp.max)))).T
        if _happens(p.blur_share):
            mel = blurred(mel, _whole(p.blur_frames), _whole(p.blur_bins))
        if _happens(p.tilt_share):
            mel = mel + self._equaliser()
        if _happens(p.noise_share):
            mel = self._noisy(mel)
        return mel

    def masked(self, mel: Tensor) -> Tensor:
        """A copy of a normalised mel [T, n_mels] with stretches and bands at 0, its mean."""
        p, (frames, bins) = self._params, mel.shape
        mel = mel.clone()
        for _ in range(p.time_masks):
            width = min(_whole(p.time_mask_frames), frames // 4)
            start = _whole(frames - width)
            mel[start : start + width] = 0.0
        for _ in range(p.frequency_masks):
            width = _whole(min(p.frequency_mask_bins, bins))
            start = _whole(bins - width)
            mel[:, start : start + width] = 0.0
        return mel

    def warp(self, factor: float) -> Tensor:
        """[n_mels, n_mels]: band i of the result is what sounded at its frequency / factor."""
        centres = self._centres
        places = np.interp(centres / factor, centres, np.arange(len(centres)))
        low = np.floor(places).astype(int)
        high = np.minimum(low + 1, len(centres) - 1)
        share = places - low
        matrix = np.zeros((len(centres), len(centres)), dtype=np.float32)
        rows = np.arange(len(centres))
        matrix[rows, low] += 1.0 - share
        matrix[rows, high] += share
        return torch.from_numpy(matrix)

    @cached_property
    def _centres(self) -> np.ndarray:
        return band_centres(self._analysis)

    def _equaliser(self) -> Tensor:
        """[n_mels] smooth gain."""
        points = (2.0 * torch.rand(1, 1, _EQUALISER_POINTS) - 1.0) * self._params.tilt_nepers
        size = self._analysis.n_mels
        return F.interpolate(points, size=size, mode="linear", align_corners=True).view(-1)

    def _noisy(self, mel: Tensor) -> Tensor:
        """Adds noise of a random colour and level: amplitudes of independent sounds add by their squares."""
        span = self._params.noise_nepers
        level = mel.max() - _between(span.min, span.max)
        # A noise's magnitude is Rayleigh-distributed: the root of an exponentially distributed power.
        power = -torch.log(torch.rand_like(mel).clamp(_TINY, 1.0 - _TINY))
        noise = level + self._equaliser() + 0.5 * power.log()
        return 0.5 * torch.logaddexp(2.0 * mel, 2.0 * noise)


def blurred(mel: Tensor, frames: int, bins: int) -> Tensor:
    """Moving averages over 2·frames + 1 frames and 2·bins + 1 bands, as over-smoothed mels have."""
    image = mel.unsqueeze(0).unsqueeze(0)
    image = F.pad(image, (bins, bins, frames, frames), mode="replicate")
    return F.avg_pool2d(image, (2 * frames + 1, 2 * bins + 1), stride=1)[0, 0]


def _happens(share: float) -> bool:
    return float(torch.rand(())) < share


def _between(low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand(()))


def _whole(most: int) -> int:
    return int(torch.randint(0, most + 1, ()))
