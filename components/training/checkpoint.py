"""Checkpoints on disk: one folder a step, safetensors and JSON only, every file with its sha256.

``step_00000100/`` holds ``<group>.safetensors`` (weights, average, rng, one per optimiser), ``state.json``
and ``manifest.json``. A folder appears whole, by rename, or not at all. Nothing here can execute code on
loading: there is no pickle. A flipped bit loads silently in safetensors (and in .pt), hence the hashes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from components.core.errors import ConfigError, CorruptFileError
from components.core.storage import atomic_folder, recover_folder, sha256_json, sha256_path

_FORMAT = 1
_MANIFEST, _STATE, _TENSORS = "manifest.json", "state.json", ".safetensors"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Checkpoint:
    """Everything a run needs to go on: groups of named tensors, and plain JSON."""

    step: int
    tensors: Mapping[str, Mapping[str, Tensor]]
    state: Mapping[str, Any]


def save(folder: Path, checkpoint: Checkpoint, identity: Mapping[str, Any], keep: int) -> Path:
    """Write a checkpoint below ``folder`` and drop all but the newest ``keep``.

    Args:
        folder: holds the checkpoints of one run.
        checkpoint: its tensors lie on the CPU and own their memory.
        identity: what a later run must agree on to load it (JSON).
        keep: how many stay, this one included.

    Raises:
        StorageError: no space or no permission; earlier checkpoints are untouched.
    """
    target = _place(folder, checkpoint.step)
    with atomic_folder(target) as temporary:
        for group, tensors in checkpoint.tensors.items():
            _write_tensors(temporary / f"{group}{_TENSORS}", tensors)
        _write_json(temporary / _STATE, dict(checkpoint.state))
        body = {
            "format": _FORMAT,
            "step": checkpoint.step,
            "identity": dict(identity),
            "files": {file.name: sha256_path(file) for file in sorted(temporary.iterdir())},
        }
        _write_json(temporary / _MANIFEST, {"body": body, "sha256": sha256_json(body)})
    for old in _steps(folder)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def latest(folder: Path, identity: Mapping[str, Any], say: Say) -> Checkpoint | None:
    """The newest whole checkpoint, or None. A damaged one is named, left out, and the one before is taken.

    Raises:
        ConfigError: the newest whole checkpoint belongs to another network, data set or recipe.
    """
    _tidy(folder)
    for path in reversed(_steps(folder)):
        try:
            body = _checked_manifest(path)
            _refuse_another(path, body["identity"], identity)
            return _load(path, body)
        except CorruptFileError as error:
            say(f"warning: {error}")
    return None


def at(folder: Path, step: int, identity: Mapping[str, Any]) -> Checkpoint:
    """The checkpoint of a step that another process found whole.

    Raises:
        CorruptFileError: it does not look whole from here.
        ConfigError: it belongs to another network, data set or recipe.
    """
    path = _place(folder, step)
    body = _checked_manifest(path)
    _refuse_another(path, body["identity"], identity)
    return _load(path, body)


def differences(expected: Any, found: Any, where: str = "") -> list[str]:
    """Dotted places where two JSON values differ, with both values."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        names = sorted({*expected, *found})
        return [
            line
            for name in names
            for line in differences(expected.get(name), found.get(name), f"{where}.{name}".lstrip("."))
        ]
    return [] if expected == found else [f"{where}: {_short(expected)} here, {_short(found)} there"]


def _refuse_another(path: Path, found: Mapping[str, Any], identity: Mapping[str, Any]) -> None:
    unlike = differences(json.loads(json.dumps(identity)), found)
    if unlike:
        raise ConfigError(
            who=str(path),
            expected="a checkpoint of this network, data and recipe",
            found=f"{len(unlike)} difference(s): {unlike[0]}",
            action="restore the parameters it was trained with, or remove the folder to start over",
            details=unlike[1:],
        )


def _checked_manifest(path: Path) -> dict[str, Any]:
    manifest = _read_json(path / _MANIFEST)
    if not isinstance(manifest, dict) or not isinstance(manifest.get("body"), dict):
        raise _corrupt(path / _MANIFEST, "a manifest", "something else")
    body: dict[str, Any] = manifest["body"]
    if manifest.get("sha256") != sha256_json(body):
        raise _corrupt(path / _MANIFEST, "the manifest's own sha256", "other bytes")
    present = {file.name for file in path.iterdir()} - {_MANIFEST}
    if present != set(body["files"]):
        raise _corrupt(path, f"the files {sorted(body['files'])}", f"{sorted(present)}")
    for name, digest in body["files"].items():
        found = sha256_path(path / name)
        if found != digest:
            raise _corrupt(path / name, f"sha256 {digest[:12]}…", f"{found[:12]}…")
    return body


def _load(path: Path, body: Mapping[str, Any]) -> Checkpoint:
    groups = [name.removesuffix(_TENSORS) for name in body["files"] if name.endswith(_TENSORS)]
    try:
        tensors = {group: load_file(path / f"{group}{_TENSORS}") for group in groups}
    except SafetensorError as error:
        raise _corrupt(path, "safetensors", str(error)) from error
    return Checkpoint(int(body["step"]), tensors, _read_json(path / _STATE))


def _place(folder: Path, step: int) -> Path:
    return folder / f"step_{step:08d}"


def _steps(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("step_*") if path.is_dir())


def _tidy(folder: Path) -> None:
    """Clear what a kill in the middle of writing left behind."""
    for aside in folder.glob(".step_*.old"):
        recover_folder(folder / aside.name.removeprefix(".").removesuffix(".old"))
    for left in [*folder.glob(".step_*.tmp"), *folder.glob(".step_*.old")]:
        shutil.rmtree(left, ignore_errors=True)


def _write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    try:
        save_file(dict(tensors), path)
    except SafetensorError as error:
        # A full disk reaches us as the library's own error; storage turns OSError into ours.
        raise OSError(str(error)) from error


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1), encoding="utf-8")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _corrupt(path, "readable JSON", type(error).__name__) from error


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _corrupt(path: Path, expected: str, found: str) -> CorruptFileError:
    return CorruptFileError(
        who=f"{path.parent.name}/{path.name}",
        expected=expected,
        found=found,
        action="nothing to do: the checkpoint before it is used; check the disk if this repeats",
    )
