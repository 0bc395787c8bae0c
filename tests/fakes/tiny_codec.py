"""The codec of the ci profile, and voices for it that glide."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from tone_corpus import RATE

from components import catalogue
from components.auxiliaries.codec.params import Section
from components.core.paths import project_root

CPU = torch.device("cpu")


def section_of(profile: str | None) -> Section:
    """``auxiliaries.codec`` of a profile."""
    found = catalogue.load(project_root(), profile).auxiliaries["codec"]
    assert isinstance(found, Section)
    return found


def gliding(seconds: float, hertz: float, seed: int = 0) -> NDArray[np.float32]:
    """A tone whose pitch glides around ``hertz``, loud in the middle."""
    t = np.arange(round(seconds * RATE)) / RATE
    phase = np.cumsum(hertz * (1.0 + 0.2 * np.sin(2 * np.pi * t + seed))) / RATE
    parts = [np.sin(2 * np.pi * k * phase) / k for k in range(1, 12)]
    noise = 0.003 * np.random.default_rng(seed).standard_normal(len(t))
    return (0.15 * np.sin(np.pi * t / seconds) * np.sum(parts, axis=0) + noise).astype(np.float32)
