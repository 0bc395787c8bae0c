"""What RVC hears of a voice at 16 kHz: content features, and f0 on a grid of half a feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from components.core.errors import ConfigError
from components.features.pitch import PitchAnalysis, f0_where_voiced
from components.models.rvc.params import FRAMES_PER_FEATURE
from components.nn.conversion import ContentEncoder

RATE, STRIDE, WINDOW = 16000, 320, 400
"""Hz; samples between two features; samples that a feature hears by itself: HuBERT's own."""
_HOP = STRIDE // FRAMES_PER_FEATURE


@dataclass(frozen=True)
class Heard:
    """Of a stretch: content [n, D], and f0 [2 n] in Hz, 0 where unvoiced."""

    content: NDArray[np.float32]
    f0: NDArray[np.float32]


def features_of(samples: int) -> int:
    """Features of that many samples at 16 kHz: 1 s has 49."""
    return max(0, (samples - WINDOW) // STRIDE + 1)


def samples_of(features: int) -> int:
    """Samples at 16 kHz that this many features hear, at least."""
    return features * STRIDE + WINDOW - STRIDE


def pitch_of(samples: NDArray[np.float32], features: int, analysis: PitchAnalysis) -> NDArray[np.float32]:
    """f0 [2 · features] in Hz of samples at 16 kHz, 0 where unvoiced, frame t at t · 10 ms."""
    frames = FRAMES_PER_FEATURE * features
    found = f0_where_voiced(samples, RATE, _HOP, analysis)[:frames]
    return np.pad(found, (0, frames - len(found)))


def content_at_speed(
    samples: NDArray[np.float32], features: int, speed: float, encoder: ContentEncoder
) -> torch.Tensor:
    """The same sounds as another voice would say them: what the encoder hears at another speed, where it was.

    Played faster, formants and pitch rise as if a smaller person spoke; features are then read at the moments
    of the unhurried recording, between two neighbours linearly. A network that has to give back the recording
    from all of them cannot lean on what they tell of the speaker (the perturbation of NANSY, Choi et al.
    2021, section 3.1, by simpler means).

    Args:
        samples: at 16 kHz, of ``features`` features.
        speed: > 0; 1 is `content_of`.

    Returns:
        [features, D].
    """
    if speed == 1.0:
        return content_of(samples, features, encoder)
    import soxr

    played = soxr.resample(samples[: samples_of(features)], speed, 1.0, quality="HQ").astype(np.float32)
    played = np.pad(played, (0, max(0, WINDOW - len(played))))
    found = content_of(played, features_of(len(played)), encoder)
    middles = torch.arange(features, device=found.device) * STRIDE + WINDOW / 2
    places = ((middles / speed - WINDOW / 2) / STRIDE).clamp(0, len(found) - 1)
    before = places.floor().long().clamp(max=max(0, len(found) - 2))
    after = (before + 1).clamp(max=len(found) - 1)
    return torch.lerp(found[before], found[after], (places - before).unsqueeze(1).to(found.dtype))


def content_of(samples: NDArray[np.float32], features: int, encoder: ContentEncoder) -> torch.Tensor:
    """[features, D] of samples at 16 kHz that hold as many.

    Raises:
        ConfigError: the encoder gives another number or width.
    """
    found = encoder.features(samples[: samples_of(features)])
    if found.shape != (features, encoder.dim):
        raise ConfigError(
            who=f"content encoder {encoder.label!r}",
            expected=f"{features} features of width {encoder.dim}, one in {STRIDE} samples",
            found=f"shape {tuple(found.shape)}",
            action="choose an encoder with HuBERT's stride of 20 ms and window of 25 ms",
        )
    return found
