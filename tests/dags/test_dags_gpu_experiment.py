"""The GPU experiment's DAG: its wiring, and a real run under ``dag.test()`` on a machine without a GPU."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded_demo import Demo, run_embedded

from components import catalogue
from components.adapters.pod_spec import render_pod
from components.core.params.platform import MlflowParams
from components.core.paths import Workspace, project_root
from components.core.ports import Tracker
from components.core.stage_graph import stage
from components.stages import services
from components.stages.records import read_record

MODULES = ("gpu_experiment", "_settings", "_stage", "_launching")


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("IRIS_PROFILE", "ci")
    for name in MODULES:
        sys.modules.pop(name, None)
    yield
    for name in MODULES:
        sys.modules.pop(name, None)


def test_it_waits_to_be_asked_and_takes_one_gpu(fresh: None) -> None:
    import gpu_experiment as module

    assert module.DAG.timetable.can_be_scheduled is False
    assert module.DAG.catchup is False
    (task,) = module.DAG.tasks
    assert (task.task_id, task.pool) == ("gpu_experiment", "a100")


def test_its_pod_asks_for_a_gpu_under_a_name_that_kubernetes_takes() -> None:
    params = catalogue.load(project_root(), None)
    pod = render_pod(stage("gpu_experiment"), "vallex", params, project_root(), command=())
    assert pod["metadata"]["name"] == "iris-vallex-gpu-experiment"
    assert pod["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"


def test_a_real_run_predicts_every_cell_and_proposes(demo: Demo, tmp_path: Path) -> None:
    root = tmp_path / "ws"  # with Airflow's and MLflow's tables, which take longer to make than the run does
    shutil.copytree(demo.workspace.root / "airflow", root / "airflow")
    shutil.copyfile(demo.workspace.tracking_database, root / "mlflow.db")
    done = run_embedded(root, "--experiment")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    workspace = Workspace.embedded(root)
    record = read_record(workspace, "gpu_experiment", "vallex")
    assert record is not None
    assert (record.state, record.summary["evidence"], record.summary["cells"]) == ("done", "simulated", 12)
    told = json.loads(record.output(workspace.root, "cells").read_text(encoding="utf-8"))
    assert {row["evidence"] for row in told["training"]} == {"simulated"}
    with record.output(workspace.root, "table").open(encoding="utf-8", newline="") as sheet:
        assert len(list(csv.DictReader(sheet))) == 12
    assert record.output(workspace.root, "plot").read_bytes().startswith(b"\x89PNG")
    proposed = record.output(workspace.root, "proposal").read_text(encoding="utf-8")
    assert proposed.startswith("# simulated")
    assert "do not apply" in proposed  # the test profile's sizes
    mlflow = MlflowParams(
        tracking_uri="",
        experiment="iris-retraining-gpu",
        flush_interval_s=1.0,
        request_timeout_s=10,
        promotion_lease_timeout_s=1.0,
    )
    tracker = services.tracker_of(mlflow, workspace)
    arrived = tracker.runs("vallex", 5)
    # On a busy machine MLflow answers too late, and the run waits in the spool for the next tracker.
    waiting = [json.loads(one.read_text(encoding="utf-8")) for one in workspace.spool.glob("*/header.json")]
    (tags,) = [run.tags for run in arrived] or [one["tags"] for one in waiting]
    assert (tags["evidence"], tags["stage"]) == ("simulated", "gpu_experiment")
    if arrived:
        _require_everything_of(tracker, arrived[0].run_id, tmp_path)


def _require_everything_of(tracker: Tracker, run_id: str, target: Path) -> None:
    """The run holds the grid as a parameter, a point of every cell, and the folder as artefacts."""
    logged = tracker.client().get_run(run_id).data.params  # type: ignore[attr-defined]
    assert json.loads(logged["grid"])["contexts"] == [32]
    assert len(tracker.curves(run_id)["predicted_ms"]) == 12
    folder = tracker.fetch(run_id, "experiment", target)
    assert {one.name for one in folder.iterdir()} == {"cells.json", "cells.csv", "cells.png", "params.diff"}
