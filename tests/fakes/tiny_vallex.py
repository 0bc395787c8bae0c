"""The tiny VALL-E X of the ci profile, and made-up texts for it."""

from __future__ import annotations

from pathlib import Path

import torch

from components import catalogue
from components.models.vallex.network import Text
from components.models.vallex.params import Section

PROJECT = Path(__file__).resolve().parents[2]
CPU = torch.device("cpu")


def section_of(profile: str | None) -> Section:
    found = catalogue.load(PROJECT, profile).models["vallex"]
    assert isinstance(found, Section)
    return found


def text_of(*lengths: int, seed: int = 0) -> Text:
    """Symbols of rows of these lengths, padded."""
    generator = torch.Generator().manual_seed(seed)
    shape = (len(lengths), max(lengths))
    return Text(
        torch.randint(3, 300, shape, generator=generator),
        torch.randint(0, 4, shape, generator=generator),
        torch.tensor(lengths),
    )
