"""espeak-ng speaking English, analysed as the vocoder's mel and f0 are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from components.espeak.synthesis import Voice, synthesise
from components.features.mel import MelAnalysis, log_mel, magnitudes
from components.features.pitch import PitchAnalysis, f0

ANALYSIS = MelAnalysis(22050, 1024, 256, 1024, 80, 0.0, 8000.0, 1e-5)
PITCH = PitchAnalysis("dio", 50.0, 1100.0)


@dataclass(frozen=True)
class Spoken:
    """Samples [N], mel [T, 80], f0 [T]."""

    samples: np.ndarray
    mel: Tensor
    f0: Tensor


def spoken() -> Spoken:
    """Three seconds or so."""
    said = synthesise("The quick brown fox jumps over the lazy dog near the river.", "en", Voice(), 165)
    samples = said.samples.astype(np.float32) / 32768
    mel = log_mel(magnitudes(samples, ANALYSIS), ANALYSIS)
    return Spoken(samples, torch.from_numpy(mel), torch.from_numpy(f0(samples, 22050, 256, PITCH)))
