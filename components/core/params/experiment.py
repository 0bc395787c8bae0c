"""``experiment``: the grid of the GPU-optimisation experiment, and how often each of its steps is timed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.core.params.base import Section

Precision = Literal["fp32", "tf32", "bf16"]
Attention = Literal["math", "fused"]


class ExperimentParams(Section):
    """Every combination of the lists is a cell; sizes are those of ``models``."""

    device: str = Field(description="that is predicted; a name of components/simulation/devices.csv")
    precisions: list[Precision] = Field(min_length=1, description="bf16: autocast over float32 weights")
    checkpointing: list[bool] = Field(min_length=1)
    attentions: list[Attention] = Field(min_length=1, description="math: scores are written to memory")
    contexts: list[int] = Field(min_length=1, description="codes of the first codebook")
    batches: list[int] = Field(min_length=1)
    speech_s: list[float] = Field(description="lengths at which the pipeline is predicted; none: it is not")
    warm_up: int = Field(ge=1, description="steps before the first that is timed; one makes the optimiser")
    repeats: int = Field(ge=1, description="timed steps of a cell")
