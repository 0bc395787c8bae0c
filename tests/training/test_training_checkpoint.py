"""Checkpoints: whole or not there, damage is noticed, nothing on disk can run code."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from components.core.errors import ConfigError, StorageError
from components.core.storage import sha256_json, sha256_path
from components.training import checkpoint
from components.training.checkpoint import Checkpoint

IDENTITY = {"symbols": ["a", "ㄱ"], "dims": {"d_model": 32}}


def save(folder: Path, step: int, keep: int = 3) -> Path:
    tensors = {"weights": {"w": torch.full((3,), float(step))}, "rng": {"torch.cpu": torch.get_rng_state()}}
    return checkpoint.save(folder, Checkpoint(step, tensors, {"step": step}), IDENTITY, keep)


def load(folder: Path, said: list[str] | None = None, identity: Any = IDENTITY) -> Checkpoint | None:
    return checkpoint.latest(folder, identity, (said if said is not None else []).append)


def test_round_trip_and_nothing_to_load(tmp_path: Path) -> None:
    assert load(tmp_path / "없음") is None
    save(tmp_path, 5)
    found = load(tmp_path)
    assert found is not None
    assert (found.step, found.state) == (5, {"step": 5})
    assert torch.equal(found.tensors["weights"]["w"], torch.full((3,), 5.0))
    assert torch.equal(found.tensors["rng"]["torch.cpu"], torch.get_rng_state())


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("file", ["weights.safetensors", "rng.safetensors", "state.json", "manifest.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "gone"])
def test_a_damaged_newest_falls_back_with_a_warning(file: str, damage: str, tmp_path: Path) -> None:
    save(tmp_path, 1)
    victim = save(tmp_path, 2) / file
    if damage == "flip":
        flip_a_bit(victim)
    elif damage == "cut":
        victim.write_bytes(victim.read_bytes()[: victim.stat().st_size // 2])
    elif damage == "empty":
        victim.write_bytes(b"")
    else:
        victim.unlink()
    said: list[str] = []
    found = load(tmp_path, said)
    assert found is not None
    assert found.step == 1
    assert len(said) == 1
    assert said[0].startswith("warning: ")


def test_every_one_damaged_means_none(tmp_path: Path) -> None:
    for step in (1, 2):
        flip_a_bit(save(tmp_path, step) / "weights.safetensors")
    said: list[str] = []
    assert load(tmp_path, said) is None
    assert len(said) == 2


class Canary:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pt"])
def test_a_pickle_is_refused_even_with_a_matching_manifest(name: str, tmp_path: Path) -> None:
    folder, canary = save(tmp_path, 1), tmp_path / "canary"
    (folder / name).write_bytes(pickle.dumps(Canary(canary)))
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    if name.endswith(".safetensors"):
        manifest["body"]["files"][name] = sha256_path(folder / name)
        manifest["sha256"] = sha256_json(manifest["body"])
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    said: list[str] = []
    assert load(tmp_path, said) is None
    assert said
    assert not canary.exists()


def test_another_identity_is_refused_and_says_where(tmp_path: Path) -> None:
    save(tmp_path, 1)
    with pytest.raises(ConfigError, match=r"dims\.d_model: 64 here, 32 there") as error:
        load(tmp_path, identity={"symbols": ["a"], "dims": {"d_model": 64}})
    assert any("symbols" in line for line in error.value.details)
    assert load(tmp_path) is not None


def test_leftovers_of_a_kill_are_cleared_and_a_half_rename_undone(tmp_path: Path) -> None:
    (tmp_path / ".step_00000009.abc.tmp").mkdir()
    save(tmp_path, 4).rename(tmp_path / ".step_00000004.old")
    found = load(tmp_path)
    assert found is not None
    assert found.step == 4
    assert [path.name for path in tmp_path.iterdir()] == ["step_00000004"]


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    for step in (1, 2, 3, 10):
        save(tmp_path, step, keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step_00000003", "step_00000010"]


def test_an_unwritable_place_is_a_storage_error_and_keeps_the_previous(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors import SafetensorError

    save(tmp_path, 1)

    def full(*arguments: object) -> None:
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(StorageError, match="No space left"):
        save(tmp_path, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["step_00000001"]
    assert load(tmp_path) is not None
