"""Typed view of params.yaml: strict, frozen, nothing extra, no default value in Python."""

from components.core.params.base import (
    AuxiliarySection,
    Definition,
    LimitedOutput,
    MelSection,
    ModelKind,
    ModelSection,
    Resources,
    Section,
    TrainingRun,
    differences,
    narrowed,
)
from components.core.params.loader import load_params, outcome_sha, params_sha
from components.core.params.root import Params

__all__ = [
    "AuxiliarySection",
    "Definition",
    "LimitedOutput",
    "MelSection",
    "ModelKind",
    "ModelSection",
    "Params",
    "Resources",
    "Section",
    "TrainingRun",
    "differences",
    "load_params",
    "narrowed",
    "outcome_sha",
    "params_sha",
]
