"""dry-run: the very pods the operator would submit; hours and cost only where a run of this profile tells."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from components import catalogue, cli
from components.adapters.pod_spec import render_pod
from components.core.errors import ConfigError
from components.core.params.platform import CostParams
from components.core.paths import Workspace, project_root
from components.core.stage_graph import STAGES, stage
from components.core.storage import append_line
from components.stages.contract import Record
from components.stages.dry_run import UNKNOWN, PlannedPod, estimate, plan
from components.stages.journal import Attempt
from components.stages.records import write_record

ROOT = project_root()
RATES = CostParams(gpu_hour_krw=3000.0, gpu_hour_usd=2.5)
NO_RATES = CostParams(gpu_hour_krw=None, gpu_hour_usd=None)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.embedded(tmp_path)


def _record(workspace: Workspace, name: str, model: str | None, hours: float, profile: str = "a100") -> None:
    told = {"state": "done", "profile": profile, "seconds": hours * 3600, "device": "NVIDIA A100-SXM4-80GB"}
    traced = dict.fromkeys(("key", "git_sha", "data_md5", "params_sha", "started"), "")
    record = Record(stage=name, model=model, inputs={}, outputs={}, summary={}, **told, **traced)  # type: ignore[arg-type]
    write_record(workspace, record)


def _pod(pods: tuple[PlannedPod, ...], name: str) -> PlannedPod:
    (found,) = [pod for pod in pods if pod.stage == name]
    return found


def _row(pods: tuple[PlannedPod, ...], cost: CostParams, name: str) -> list[str]:
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(estimate(pods, cost))
    (line,) = [line for line in console.export_text().splitlines() if line.strip("│ ").startswith(name)]
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_every_stage_is_planned_as_the_operator_submits_it(workspace: Workspace) -> None:
    pods = plan(ROOT, None, workspace, ["fastpitch"])
    assert [pod.stage for pod in pods] == [one.name for one in STAGES if not one.declared]
    command = ["-m", "components", "train", "--model", "fastpitch"]
    params = catalogue.load(ROOT, None)
    assert _pod(pods, "train").manifest == render_pod(stage("train"), "fastpitch", params, ROOT, command)


def test_hours_and_cost_come_from_the_last_run(workspace: Workspace) -> None:
    for one in STAGES:
        _record(
            workspace, one.name, "fastpitch" if one.per_model else None, 10.0 if one.name == "train" else 0.5
        )
    pods = plan(ROOT, None, workspace, ["fastpitch"])
    assert _pod(pods, "train").gpu_hours == 10.0
    assert _row(pods, RATES, "train")[2:8] == ["1", "10.00", UNKNOWN, "10.00", "30,000", "25.00"]
    # adopt and evaluate take a GPU for half an hour each; the others take none
    assert _row(pods, RATES, "sum")[5:] == ["11.00", "33,000", "27.50", "expected"]
    assert _row(pods, RATES, "ingest")[2:8] == ["0", "0.50", UNKNOWN, "0.00", "0", "0.00"]


def test_what_a_resumed_training_took_is_told_with_all_its_attempts_and_its_wait(
    workspace: Workspace,
) -> None:
    """The record holds the last attempt only; the journal all of them."""
    _record(workspace, "train", "fastpitch", 2.0)
    for state, hours, waited in (("killed", 7.0, 0.5), ("done", 2.0, 1.0)):
        line = Attempt(
            "train", "fastpitch", state, hours * 3600, "2026-11-02T03:00:00+09:00", "", f"id-{state}", "a100",
            gpus=1, cpu_seconds=0.0, queue_seconds=waited * 3600,
        )  # fmt: skip
        append_line(workspace.root / "journal.jsonl", json.dumps(asdict(line)))
    pods = plan(ROOT, None, workspace, ["fastpitch"])
    assert _row(pods, RATES, "train")[2:8] == ["1", "9.00", "1.50", "9.00", "27,000", "22.50"]


def test_what_no_run_told_is_unknown_and_so_is_the_sum(workspace: Workspace) -> None:
    _record(workspace, "train", "fastpitch", 10.0)
    pods = plan(ROOT, None, workspace, ["fastpitch"])
    assert _row(pods, RATES, "evaluate")[3:8] == [UNKNOWN] * 5
    assert _row(pods, RATES, "sum")[5:8] == [UNKNOWN] * 3


def test_without_a_rate_only_the_hours_are_known(workspace: Workspace) -> None:
    _record(workspace, "train", "fastpitch", 10.0)
    pods = plan(ROOT, None, workspace, ["fastpitch"])
    assert _row(pods, NO_RATES, "train")[3:8] == ["10.00", UNKNOWN, "10.00", UNKNOWN, UNKNOWN]
    assert _row(pods, NO_RATES, "ingest")[5:8] == ["0.00", UNKNOWN, UNKNOWN]  # no price is not a price of 0


def test_another_profiles_run_tells_nothing(workspace: Workspace) -> None:
    _record(workspace, "train", "fastpitch", 0.05, profile="laptop")
    assert _pod(plan(ROOT, None, workspace, ["fastpitch"]), "train").hours is None


def test_the_kind_profile_asks_for_no_gpu(workspace: Workspace) -> None:
    for pod in plan(ROOT, "kind", workspace, []):
        assert pod.gpus == 0
        assert "nvidia.com/gpu" not in yaml.safe_dump(pod.manifest)
        assert pod.manifest["spec"]["containers"][0]["command"][-2:] == ["--profile", "kind"]


def test_a_model_that_cannot_be_trained_is_refused(workspace: Workspace) -> None:
    with pytest.raises(ConfigError, match="no such model"):
        plan(ROOT, None, workspace, ["tacotron"])


def test_the_command_prints_pods_for_kubectl_and_the_estimate_beside_them(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli.app, ["dry-run", "--model", "fastpitch", "--workspace", str(tmp_path)])
    assert done.exit_code == 0, done.output
    pods = list(yaml.safe_load_all(done.stdout))
    assert len(pods) == sum(not one.declared for one in STAGES)
    kubernetes_validate.validate(pods[0], "1.34", strict=True)
    assert UNKNOWN in done.stderr
    assert "expected, not measured" in done.stderr


@pytest.mark.parametrize("rate", ["0", "-1.0", ".nan"])
def test_a_price_is_positive_or_unknown(rate: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    (tmp_path / "params.yaml").write_text(
        text.replace("gpu_hour_krw: null", f"gpu_hour_krw: {rate}"), encoding="utf-8"
    )
    with pytest.raises(ConfigError, match="gpu_hour_krw"):
        catalogue.load(tmp_path, None)
