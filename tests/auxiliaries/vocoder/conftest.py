"""Speech, its mel and f0, and the vocoder's parameters."""

from __future__ import annotations

from pathlib import Path

import pytest
from spoken_english import Spoken, spoken

from components import catalogue
from components.auxiliaries.vocoder.params import Architecture, Section

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def speech() -> Spoken:
    """Two seconds or so."""
    return spoken()


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
