"""Speech, its mel and f0, and the vocoder's parameters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from components import catalogue
from components.auxiliaries.vocoder.params import Architecture, Section
from components.espeak.synthesis import Voice, synthesise
from components.features.mel import MelAnalysis, log_mel, magnitudes
from components.features.pitch import PitchAnalysis, f0

PROJECT = Path(__file__).resolve().parents[2]
ANALYSIS = MelAnalysis(22050, 1024, 256, 1024, 80, 0.0, 8000.0, 1e-5)
PITCH = PitchAnalysis("dio", 50.0, 1100.0)


@dataclass(frozen=True)
class Spoken:
    """espeak-ng speaking English: samples [N], mel [T, 80], f0 [T]."""

    samples: np.ndarray
    mel: Tensor
    f0: Tensor


@pytest.fixture(scope="session")
def speech() -> Spoken:
    """Two seconds or so."""
    said = synthesise("The quick brown fox jumps over the lazy dog near the river.", "en", Voice(), 165)
    samples = said.samples.astype(np.float32) / 32768
    mel = log_mel(magnitudes(samples, ANALYSIS), ANALYSIS)
    return Spoken(samples, torch.from_numpy(mel), torch.from_numpy(f0(samples, 22050, 256, PITCH)))


@pytest.fixture(scope="session")
def section() -> Section:
    """``auxiliaries.vocoder`` of the ci profile."""
    found = catalogue.load(PROJECT, "ci").auxiliaries["vocoder"]
    assert isinstance(found, Section)
    return found


@pytest.fixture(scope="session")
def laptop() -> Architecture:
    """The vocoder of the laptop profile."""
    found = catalogue.load(PROJECT, "laptop").auxiliaries["vocoder"]
    assert isinstance(found, Section)
    return found.architecture


TINY = {
    "generator": {
        "initial_channels": 16,
        "upsample_rates": [16, 16],
        "upsample_kernels": [32, 32],
        "resblock_kernels": [3],
        "resblock_dilations": [1, 3],
    },
    "discriminators": {
        "periods": [2, 3],
        "period_channels": [4, 8],
        "scales": 2,
        "scale_channels": [8, 16],
        "scale_kernels": [15, 41],
        "scale_strides": [1, 4],
        "scale_groups": [1, 4],
    },
}


@pytest.fixture(scope="session")
def gan(section: Section) -> Section:
    """The same with a tiny HiFi-GAN."""
    values = section.model_dump()
    values["architecture"] |= {**TINY, "kind": "hifi_gan"}
    values["training"] |= {"segment_frames": 16, "batch_size": 2, "gradient_clip_norm": 0.0}
    return Section.model_validate(values)
