"""The one loader: YAML, overlay, types. Used by the CLI and the DAGs; everything else gets the object."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from components.core.errors import ConfigError
from components.core.params.base import AuxiliarySection, ModelSection, Section
from components.core.params.root import Params
from components.core.storage import sha256_json

_PROTECTED = "kpi"


class _UniqueKeyLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key written twice (YAML would keep the last one silently)."""


def _unique_mapping(loader: _UniqueKeyLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    mapping: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in mapping:
            raise yaml.constructor.ConstructorError(
                None, None, f"key {key!r} stands twice", key_node.start_mark
            )
        mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)


def load_params(
    root: Path,
    profile: str | None,
    model_types: Mapping[str, type[ModelSection]],
    auxiliary_types: Mapping[str, type[AuxiliarySection]],
) -> Params:
    """params.yaml under ``root`` with ``profiles/<profile>.yaml`` laid over it, checked.

    Args:
        root: the project root.
        profile: an overlay's name, or None for params.yaml as it stands (the a100 profile).
        model_types: the section type of every model, from the catalogue.
        auxiliary_types: the same of every auxiliary network.

    Raises:
        ConfigError: unreadable YAML, unknown profile, an overlay that touches ``kpi:``, a key that
            params.yaml does not have, or a value of the wrong type or range.
    """
    values = _read_yaml(root / "params.yaml")
    for name, overlay in _overlays(root, profile):
        _overlay(values, overlay, source=f"profiles/{name}.yaml", path="")
    return _typed(values, {"models": model_types, "auxiliaries": auxiliary_types})


def params_sha(params: Params) -> str:
    """sha256 of the resolved values (of a restricted view: of what it holds)."""
    return sha256_json(params.model_dump(mode="json", include=set(params.__dict__)))


def outcome_sha(params: Params) -> str:
    """sha256 of the values that may change what comes out.

    ``platform`` and a model's ``resources`` are left out: they say where and how patiently a stage runs. More
    memory after an out-of-memory kill, or another number of GPUs, must find the interrupted training again.
    """
    values = params.model_dump(mode="json", include=set(params.__dict__) - {"platform"})
    for model in values.get("models", {}).values():
        del model["resources"]
    return sha256_json(values)


def _overlays(root: Path, profile: str | None) -> list[tuple[str, dict[str, Any]]]:
    """The overlays to lay on, in order: a profile may name one that it ``extends``."""
    chain: list[tuple[str, dict[str, Any]]] = []
    while profile is not None:
        if profile in [name for name, _ in chain]:
            raise ConfigError(
                who=f"profiles/{profile}.yaml: extends",
                expected="a chain of profiles that ends",
                found=f"{' → '.join(name for name, _ in chain)} → {profile}",
                action="let one of them extend nothing",
            )
        overlay = _read_profile(root, profile)
        chain.append((profile, overlay))
        profile = overlay.pop("extends", None)
    return chain[::-1]


def _read_profile(root: Path, profile: str) -> dict[str, Any]:
    known = sorted(path.stem for path in (root / "profiles").glob("*.yaml"))
    if profile not in known:
        raise ConfigError(
            who=f"profile {profile!r}",
            expected=f"one of {', '.join(known)}",
            found="no such file",
            action="choose one of these, or add profiles/<name>.yaml",
        )
    overlay = _read_yaml(root / "profiles" / f"{profile}.yaml")
    if _PROTECTED in overlay:
        raise ConfigError(
            who=f"profiles/{profile}.yaml: kpi",
            expected="no kpi section: the targets are the same in every profile",
            found=f"kpi with {sorted(overlay[_PROTECTED] or {})}",
            action="remove it; what a scope gates on stands in evaluation.scope",
        )
    return overlay


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)  # noqa: S506 - a SafeLoader
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(
            who=str(path),
            expected="readable YAML",
            found=" ".join(str(error).split()),
            action="mend the file at the place named",
        ) from error
    if not isinstance(values, dict):
        raise ConfigError(
            who=str(path), expected="a mapping of sections", found=type(values).__name__, action="mend it"
        )
    return {key: _own(value) for key, value in values.items()}


def _own(value: Any) -> Any:
    """A copy in which an anchor and its aliases are several objects: an overlay changes one alone."""
    if isinstance(value, dict):
        return {key: _own(inner) for key, inner in value.items()}
    return [_own(inner) for inner in value] if isinstance(value, list) else value


def _overlay(base: dict[str, Any], overlay: Mapping[str, Any], source: str, path: str) -> None:
    for key, value in overlay.items():
        where = f"{path}{key}"
        if key not in base:
            raise ConfigError(
                who=f"{source}: {where}",
                expected=f"a key of params.yaml ({', '.join(map(str, base))})",
                found=f"unknown key {key!r}",
                action="correct the spelling; an overlay only changes what params.yaml has",
            )
        if isinstance(base[key], dict) and isinstance(value, dict):
            _overlay(base[key], value, source, f"{where}.")
        else:
            base[key] = value


def _typed(values: dict[str, Any], folders: Mapping[str, Mapping[str, type[Section]]]) -> Params:
    try:
        typed = {
            folder: _typed_blocks(folder, values[folder], types)
            for folder, types in folders.items()
            if isinstance(values.get(folder), dict)
        }
        return Params.model_validate({**values, **typed})
    except ValidationError as error:
        raise _config_error(error) from error


def _typed_blocks(
    folder: str, blocks: Mapping[str, Any], types: Mapping[str, type[Section]]
) -> dict[str, Section]:
    """Each block of ``models`` or ``auxiliaries`` as the type that its folder defines."""
    if set(blocks) != set(types):
        raise ConfigError(
            who=f"params.yaml: {folder}",
            expected=f"one block for each folder under components/{folder}: {', '.join(sorted(types))}",
            found=", ".join(sorted(blocks)),
            action="add the block or the folder that is missing",
        )
    typed = {}
    for name, block in blocks.items():
        try:
            typed[name] = types[name].model_validate(block)
        except ValidationError as error:
            raise _config_error(error, prefix=f"{folder}.{name}.") from error
    return typed


def _config_error(error: ValidationError, prefix: str = "") -> ConfigError:
    problems = [
        f"{prefix}{'.'.join(map(str, item['loc']))}: {item['msg']}, found {item['input']!r}"
        if item["type"] != "extra_forbidden"
        else f"{prefix}{'.'.join(map(str, item['loc']))}: unknown parameter"
        for item in error.errors()
    ]
    first, *others = problems
    return ConfigError(
        who=f"params.yaml: {first.split(': ', 1)[0]}",
        expected="a value that fits the schema (components/core/params and components/models/*/params.py)",
        found=first.split(": ", 1)[1],
        action="correct it (a float needs a point: 1.0e-4, not 1e-4)",
        details=others,
    )
