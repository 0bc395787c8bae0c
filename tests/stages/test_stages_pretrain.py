"""First weights: an auxiliary network may go on from those that are shipped."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from components import catalogue
from components.core.params import AuxiliarySection
from components.core.paths import Workspace, project_root
from components.core.progress import Progress
from components.stages import pretrain


def _asked(section: Any) -> bool:
    return bool(section.training.warm_start)


def _begun(monkeypatch: pytest.MonkeyPatch, folder: Path, section: AuxiliarySection) -> Path | None:
    """What the first training of a network is told to begin from."""
    told: list[Path | None] = []

    def task(_: AuxiliarySection, features: Path, seed: int, warm_start: Path | None) -> object:
        told.append(warm_start)
        return object()

    spec: Any = SimpleNamespace(name="syncnet", training_task=task)
    monkeypatch.setattr("components.training.loop.train", lambda *_: SimpleNamespace(delivered=folder))
    pretrain._iterations(
        spec, section, folder, Workspace.embedded(folder), 0, torch.device("cpu"), Progress("test"),
        pretrain._shipped_before(section, folder),
    )  # fmt: skip
    return told[0]


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("there", [True, False])
def test_it_begins_from_shipped_weights_where_asked_and_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: bool, there: bool
) -> None:
    section = catalogue.load(project_root(), "laptop").auxiliaries["syncnet"]
    training = section.training.model_copy(update={"warm_start": asked})  # type: ignore[attr-defined]
    if there:
        (tmp_path / "model.safetensors").touch()
    begun = _begun(monkeypatch, tmp_path, section.model_copy(update={"training": training}))
    assert begun == (tmp_path if asked and there else None)


def test_the_long_lip_training_goes_on_with_the_ear_and_leaves_the_judge_alone() -> None:
    auxiliaries = catalogue.load(project_root(), "pretrain-lips").auxiliaries
    asked = {name: _asked(auxiliaries[name]) for name in ("syncnet", "sync_judge")}
    assert asked == {"syncnet": True, "sync_judge": False}


def test_a_card_says_what_it_began_from() -> None:
    def card(begun_from: str) -> str:
        made = pretrain._Made("syncnet", "p", "d", 1, 2.0, "cpu", "abc", {}, [], begun_from)
        return pretrain._card(made)

    assert "begun from the weights sha256 def" in card("def")
    assert "begun from" not in card("")
