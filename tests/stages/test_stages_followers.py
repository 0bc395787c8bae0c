"""The train stage in two processes: one runs it, the other trains along."""

from __future__ import annotations

import io
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tiny_tasks
from rank_pair import in_ranks

from components import catalogue
from components.core import ranks
from components.core.errors import ConfigError
from components.core.paths import Workspace, project_root
from components.core.progress import Progress
from components.core.stage_graph import stage
from components.stages import followers, services, train
from components.stages.contract import Record, StageContext
from components.stages.runner import Request

WROTE = "tracked.txt"


class Spec:
    """The tiny regression, whose effective batch two processes can split."""

    def training_task(self, section: Any, features: Path, seed: int, warm_start: Path | None) -> Any:
        assert features.name == "features"
        return tiny_tasks.regression()


def tracker(context: StageContext) -> Any:
    """A tracking server that keeps who spoke to it."""

    def tell(*what: object) -> None:
        with (context.workspace.root / WROTE).open("a", encoding="utf-8") as file:
            file.write(f"{ranks.rank()}\n")

    names = ("log_params", "log_points", "log_dataset", "log_file", "log_folder", "set_tags", "finish")
    run = SimpleNamespace(run_id="r1", **dict.fromkeys(names, tell))
    return SimpleNamespace(start_run=lambda name, tags: run, open_run=lambda run_id: run)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setattr(catalogue, "spec", lambda name: Spec())
    monkeypatch.setattr(services, "tracker", tracker)
    for name in ("docs", "features"):
        (tmp_path / name).mkdir()
    (tmp_path / "data.dvc").write_text("outs: []", encoding="utf-8")
    return Workspace.embedded(tmp_path)


def request_of(workspace: Workspace, name: str = "train", model: str | None = "fastpitch") -> Request:
    return Request(name, model, "ci", workspace, project_root())


def context_of(workspace: Workspace) -> StageContext:
    def record(name: str, output: str, path: str, summary: dict[str, Any]) -> Record:
        outputs = {output: {"path": path, "sha256": "s"}}
        return Record(name, None, "k", "done", "ci", "abc", "d", "p", "", 1.0, "cpu", {}, outputs, summary)

    return StageContext(
        stage="train",
        model="fastpitch",
        profile="ci",
        params=catalogue.load(project_root(), "ci").restricted_to(stage("train").sections, "fastpitch"),
        workspace=workspace,
        project=project_root(),
        git_sha="abc",
        params_sha="p",
        data_md5="d.dir",
        progress=Progress("train", io.StringIO()),
        upstream={
            "version": record("version", "pointer", "data.dvc", {"address": "a"}),
            "validate": record("validate", "data_docs", "docs", {}),
            "features": record("features", "store", "features", {}),
        },
    )


def test_one_runs_the_stage_and_the_other_trains_along(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_stage(request: Request) -> Any:
        outcome = train.run(context_of(workspace))
        assert outcome.summary["processes"] == 2
        return SimpleNamespace(summary=outcome.summary)

    monkeypatch.setattr(followers, "run_stage", run_stage)

    def one(rank: int) -> None:
        os.environ["OMP_NUM_THREADS"] = "1"
        summary = followers.run(request_of(workspace))
        assert bool(summary) is (rank == 0)

    assert in_ranks(one) == [0, 0]
    assert set((workspace.root / WROTE).read_text(encoding="utf-8").split()) == {"0"}
    (model,) = workspace.training.rglob("delivered/model.safetensors")
    assert (model.parents[1] / "finished.json").is_file()


def test_nothing_to_train_lets_the_others_go(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followers, "run_stage", lambda request: SimpleNamespace(summary={"a": 1}))
    assert in_ranks(lambda rank: None if followers.run(request_of(workspace)) or rank else 1 / 0) == [0, 0]
    assert not workspace.training.exists()


def test_a_leader_that_fails_ends_the_others_too(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(request: Request) -> Any:
        followers.lead(context_of(workspace).params, followers.Plan(Path("features"), None, workspace.root))
        raise ConfigError(who="x", expected="y", found="z", action="none")

    monkeypatch.setattr(followers, "run_stage", refuse)
    assert in_ranks(lambda rank: followers.run(request_of(workspace)) and None) == [42, 75]


def test_a_stage_of_one_process_refuses_torchrun(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("TORCHELASTIC_RUN_ID", "x"), ("WORLD_SIZE", "2"), ("RANK", "0")):
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match="run it without torchrun"):
        followers.run(request_of(workspace, "validate", None))
