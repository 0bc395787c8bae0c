"""Voices that nobody has: frequencies of a voice warped and bent, through another equaliser.

Twenty voices are soon known by heart, and a network that knows them has no need of the prompt. Of a voice
that is drawn anew in each sample it knows what the prompt tells, and nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from components.auxiliaries.timbre.params import NewVoices

_REGIONS_HZ = (150.0, 500.0, 1000.0, 1800.0, 2800.0, 4000.0, 6000.0)
"""Where the factor of the frequencies is drawn: pitch, formants, hiss; between them it is interpolated."""
_LOWEST_HZ = 60.0
_COSINES = (0.55, 1.0, 0.67, 0.55, 0.45, 0.45, 0.33, 0.27, 0.22)
"""Spreads of the equaliser's cosines, the first one (loudness) to the ninth, relative to the second."""


@dataclass(frozen=True)
class Drawn:
    """One new voice; zeros are the voice as it is.

    Attributes:
        warp: [n_mels] ln of the factor by which what sounds in a band has been moved.
        pitch: [] ln of the factor of f0.
        equaliser: [n_mels] nepers.
    """

    warp: Tensor
    pitch: Tensor
    equaliser: Tensor


def draw(numbers: NewVoices, centres_hz: Tensor, generator: torch.Generator | None = None) -> Drawn:
    """A voice.

    Args:
        centres_hz: [n_mels] of the bands.
        generator: None: torch's own.
    """
    regions = torch.tensor(_REGIONS_HZ).log()
    bands = len(centres_hz)
    new = float(torch.rand((), generator=generator)) < numbers.share
    common = (2.0 * torch.rand((), generator=generator) - 1.0) * numbers.warp
    factors = common + torch.randn(len(regions), generator=generator) * numbers.bend
    spreads = torch.tensor(_COSINES) * numbers.equaliser
    amounts = torch.randn(len(_COSINES), generator=generator) * spreads
    if not new:
        return Drawn(torch.zeros(bands), torch.zeros(()), torch.zeros(bands))
    places = centres_hz.clamp(min=_LOWEST_HZ).log()
    above = torch.bucketize(places, regions).clamp(1, len(regions) - 1)
    way = ((places - regions[above - 1]) / (regions[above] - regions[above - 1])).clamp(0.0, 1.0)
    warp = factors[above - 1] * (1.0 - way) + factors[above] * way
    order = torch.arange(len(_COSINES))[:, None]
    cosines = torch.cos(math.pi * order * (torch.arange(bands) + 0.5) / bands)
    return Drawn(warp, factors[0], amounts @ cosines)


def spoken_by(mel: Tensor, warp: Tensor, equaliser: Tensor, centres_hz: Tensor, floor: float) -> Tensor:
    """What utterances sound like in new voices.

    Args:
        mel: [B, T, n_mels] ln amplitudes.
        warp, equaliser: [B, n_mels] of `Drawn`.
        centres_hz: [n_mels].
        floor: smallest ln amplitude.

    Returns:
        [B, T, n_mels]; a band takes what sounded where its own sound came from.
    """
    source = (centres_hz * torch.exp(-warp)).clamp(float(centres_hz[0]), float(centres_hz[-1]))
    above = torch.bucketize(source, centres_hz).clamp(1, len(centres_hz) - 1)
    below_hz, above_hz = centres_hz[above - 1], centres_hz[above]
    way = ((source - below_hz) / (above_hz - below_hz)).clamp(0.0, 1.0)[:, None]
    low, high = (
        torch.gather(mel, 2, place[:, None].expand(-1, mel.shape[1], -1)) for place in (above - 1, above)
    )
    return (low * (1.0 - way) + high * way + equaliser[:, None]).clamp(min=floor)
