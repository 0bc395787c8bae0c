"""Finds the folders of models and auxiliary networks; until a stage needs a network, only their params.py."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

from components.core.errors import ConfigError
from components.core.params import AuxiliarySection, ModelKind, ModelSection, Params, load_params

if TYPE_CHECKING:
    from components.nn.contracts import AuxiliarySpec, ModelSpec, SpeakingSpec
    from components.nn.conversion import ConvertingSpec
    from components.nn.lip_sync import LipSyncLoader
    from components.nn.prompting import PromptedSpec

_FOLDER = Path(__file__).parent / "models"
_AUXILIARIES = Path(__file__).parent / "auxiliaries"


@cache
def model_names() -> tuple[str, ...]:
    """Every model with a params.py, in a stable order."""
    return tuple(sorted(path.parent.name for path in _FOLDER.glob("*/params.py")))


@cache
def trainable() -> tuple[str, ...]:
    """The models that can run through the pipeline: those with a spec.py. The others are defined only."""
    return tuple(name for name in model_names() if (_FOLDER / name / "spec.py").is_file())


def section_types() -> dict[str, type[ModelSection]]:
    """The params type of each model."""
    return {
        name: importlib.import_module(f"components.models.{name}.params").Section for name in model_names()
    }


@cache
def auxiliary_names() -> tuple[str, ...]:
    """Every auxiliary network with a params.py, in a stable order."""
    return tuple(sorted(path.parent.name for path in _AUXILIARIES.glob("*/params.py")))


def auxiliary_types() -> dict[str, type[AuxiliarySection]]:
    """The params type of each auxiliary network."""
    return {
        name: importlib.import_module(f"components.auxiliaries.{name}.params").Section
        for name in auxiliary_names()
    }


def load(root: Path, profile: str | None) -> Params:
    """params.yaml with a profile, all models and auxiliaries typed."""
    return load_params(root, profile, section_types(), auxiliary_types())


def further_stages() -> dict[str, tuple[str, ...]]:
    """The stages that a model has beyond those of every model."""
    return {name: section.further_stages() for name, section in section_types().items()}


def spec(name: str) -> ModelSpec:
    """The hooks of a trainable model; importing it loads torch.

    Raises:
        ConfigError: no such model, or one that is only defined so far.
    """
    if name not in trainable():
        raise ConfigError(
            who=f"model {name!r}",
            expected=f"one of {', '.join(trainable())}",
            found=_instead(name),
            action="choose a trainable model",
        )
    return cast("ModelSpec", importlib.import_module(f"components.models.{name}.spec").SPEC)


def speaker(name: str) -> SpeakingSpec:
    """The hooks of a model that speaks text.

    Raises:
        ConfigError: no trainable model of that name speaks text.
    """
    _require_kind(name, "text_to_speech", "one that speaks text in voices that it knows")
    return cast("SpeakingSpec", spec(name))


def prompted(name: str) -> PromptedSpec:
    """The hooks of a model that speaks in the voice of a prompt.

    Raises:
        ConfigError: no trainable model of that name does.
    """
    _require_kind(name, "prompted_speech", "one that speaks in the voice of a prompt")
    return cast("PromptedSpec", spec(name))


def converter(name: str) -> ConvertingSpec:
    """The hooks of a model that converts voices.

    Raises:
        ConfigError: no trainable model of that name converts voices.
    """
    _require_kind(name, "voice_conversion", "one that converts voices")
    return cast("ConvertingSpec", spec(name))


def _require_kind(name: str, kind: ModelKind, what: str) -> None:
    fitting = [known for known in trainable() if section_types()[known].kind == kind]
    if name not in fitting:
        raise ConfigError(
            who=f"model {name!r}",
            expected=f"{what}: {', '.join(fitting)}",
            found=_instead(name),
            action="choose one of these",
        )


def _instead(name: str) -> str:
    if name not in model_names():
        return "no such model"
    return (
        "one that does something else"
        if name in trainable()
        else "defined in params.yaml but without spec.py"
    )


def lip_sync_loader(name: str) -> LipSyncLoader:
    """What loads a model that moves lips: ``load_lip_sync`` of its rendering.py.

    Raises:
        ConfigError: no model of that name does.
    """
    renderers = sorted(path.parent.name for path in _FOLDER.glob("*/rendering.py"))
    if name not in renderers:
        raise ConfigError(
            who=f"model {name!r}",
            expected=f"one that moves lips: {', '.join(renderers)}",
            found="no such model" if name not in model_names() else "one that does something else",
            action="choose one of these",
        )
    module = importlib.import_module(f"components.models.{name}.rendering")
    return cast("LipSyncLoader", module.load_lip_sync)


def auxiliary_spec(name: str) -> AuxiliarySpec:
    """The hooks of an auxiliary network; importing it loads torch.

    Raises:
        ConfigError: there is no such network.
    """
    if name not in auxiliary_names():
        raise ConfigError(
            who=f"auxiliary network {name!r}",
            expected=f"one of {', '.join(auxiliary_names())}",
            found="no such network",
            action="choose one of these",
        )
    return cast("AuxiliarySpec", importlib.import_module(f"components.auxiliaries.{name}.spec").SPEC)
