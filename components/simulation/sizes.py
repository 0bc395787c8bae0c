"""The networks' dimensions, typed: params.yaml without a profile holds the paper's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from components import catalogue
from components.auxiliaries.content import params as content
from components.auxiliaries.vocoder import params as vocoder
from components.core.params import narrowed
from components.models.fastpitch import params as fastpitch
from components.models.rvc import params as rvc
from components.models.vallex import params as vallex
from components.models.wav2lip import params as wav2lip


@dataclass(frozen=True)
class Sizes:
    """Of every network that a workload runs."""

    fastpitch: fastpitch.Architecture
    vocoder: vocoder.Architecture
    content: content.Architecture
    rvc: rvc.Architecture
    vallex: vallex.Architecture
    wav2lip: wav2lip.Architecture

    @classmethod
    def of_the_papers(cls, project: Path) -> Self:
        """Those of params.yaml."""
        params = catalogue.load(project, None)
        models, helpers = params.models, params.auxiliaries
        return cls(
            narrowed(models["fastpitch"], fastpitch.Section).architecture,
            narrowed(helpers["vocoder"], vocoder.Section).architecture,
            narrowed(helpers["content"], content.Section).architecture,
            narrowed(models["rvc"], rvc.Section).architecture,
            narrowed(models["vallex"], vallex.Section).architecture,
            narrowed(models["wav2lip"], wav2lip.Section).architecture,
        )
