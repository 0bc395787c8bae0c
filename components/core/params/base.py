"""Base classes of every parameter section, and what a model's section is made of."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A section of params.yaml. Strict: ``1`` is not ``"1"``; frozen; an unknown key is an error."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class Definition(Section):
    """One of the 12 definitions (model × {architecture, training, inference}) of the parameter sheet."""


class Resources(Section):
    """What one GPU stage of a model asks of Kubernetes."""

    gpus: int = Field(ge=0, description="whole GPUs a node; 52 GB does not fit a MIG slice")
    nodes: int = Field(ge=1, description="nodes that train together, each with that many GPUs")
    cpu: str = Field(description="Kubernetes quantity")
    memory: str = Field(description="Kubernetes quantity")
    shm: str = Field(description="size of /dev/shm, for data loader workers")
    scratch: str = Field(description="size of the scratch emptyDir")


class ModelSection(Section):
    """``models.<name>``; each model's params.py narrows the three definitions."""

    architecture: Definition
    training: Definition
    inference: Definition
    resources: Resources

    def definitions(self) -> dict[str, dict[str, Any]]:
        """The three definitions as plain values, in sheet order."""
        return {kind: getattr(self, kind).model_dump() for kind in ("architecture", "training", "inference")}


class AuxiliarySection(Section):
    """``auxiliaries.<name>``: a network that serves the models; trained by `make pretrain`, else frozen."""

    architecture: Section
    training: Section
