"""The committed Kubeflow pipeline says what the stage graph and the pod template say now (without kfp)."""

from __future__ import annotations

import copy
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
from kubeflow_yaml import Compiled, carried, compiled, parameters
from manifests import ROOT

from components import catalogue, cli
from components.core import stage_graph
from components.core.stage_command import plain_words
from components.core.stage_graph import STAGES
from components.stages.graph import retraining

GOLDEN = ROOT / "k8s" / "kubeflow" / "retrain.yaml"
DECISION = ROOT / "docs" / "adr" / "0018-kubeflow.md"
RECOMPILE = "run `make kubeflow` and commit k8s/kubeflow/retrain.yaml"


@pytest.fixture(scope="module")
def golden() -> dict[str, Compiled]:
    return compiled(GOLDEN)


@pytest.fixture(scope="module")
def graph() -> dict[str, Any]:
    return retraining(ROOT, None)


@pytest.fixture
def pod_fields(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(GOLDEN.parent))
    import pod_fields as module

    yield module
    sys.modules.pop("pod_fields")


def test_the_committed_pipeline_is_what_the_graph_says_now(
    golden: dict[str, Compiled], graph: dict[str, Any]
) -> None:
    assert differences(golden, graph) == [], RECOMPILE


def test_its_parameters_are_the_models_the_profile_and_force() -> None:
    assert parameters(GOLDEN) == dict.fromkeys(catalogue.trainable(), True) | {
        "profile": "",
        "force": False,
    }


def test_promotion_waits_for_pass_and_the_report_for_nothing(golden: dict[str, Compiled]) -> None:
    for name, task in golden.items():
        model, _, stage = name.rpartition(".")
        chosen = [f"inputs.parameter_values['pipelinechannel--{model}'] == true"] if model else []
        verdict = f"inputs.parameter_values['pipelinechannel--{model}-gate-verdict'] == 'PASS'"
        assert list(task.conditions) == chosen + ([verdict] if stage == "promote" else []), name
        assert task.always is (name == "report")
    assert golden["report"].needs == set(golden) - {"report"}


def test_stages_skip_by_their_own_key_and_are_retried_in_a_window_that_holds_them(
    golden: dict[str, Compiled],
) -> None:
    platform = catalogue.load(ROOT, None).platform
    for name, task in golden.items():
        assert not task.cached, name
        assert task.retry["maxRetryCount"] == platform.airflow.retries
        longest = platform.kubernetes.active_deadline_h * 3600 * (platform.airflow.retries + 1)
        assert int(task.retry["backoffMaxDuration"].rstrip("s")) > longest, "Argo would end it earlier"


@pytest.mark.parametrize(
    ("profile", "force", "expected"),
    [("", "false", (None, False)), ("laptop", "true", ("laptop", True)), ("", "true", (None, True))],
)
def test_its_commands_are_commands_of_ours(
    golden: dict[str, Compiled],
    profile: str,
    force: str,
    expected: tuple[str | None, bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("IRIS_PROFILE", raising=False)
    values = {"inputs.parameters['profile']": profile, "inputs.parameters['force']": force}
    values["outputs.parameters['verdict'].output_file"] = "/outputs/verdict"
    group = typer.main.get_command(cli.app)
    for name, task in golden.items():
        program, option, package, *words = [_filled(word, values) for word in task.pod["command"]]
        assert (program, option, package) == ("python", "-m", "components")
        stage, *arguments = plain_words(words)
        command = group.commands[stage]  # type: ignore[attr-defined]
        given = command.make_context(stage, arguments).params
        assert (given["profile"], given["force"]) == expected
        assert given.get("model") == (name.rpartition(".")[0] or None)
        assert ("verdict_file" in given and str(given["verdict_file"]) == "/outputs/verdict") is (
            stage == "gate"
        )


def test_secrets_are_the_keys_of_the_guide() -> None:
    keys = set(re.findall(r"secretKey: (\w+)", GOLDEN.read_text(encoding="utf-8")))
    for guide in ("kubernetes.md", "kubernetes.ko.md"):
        text = (ROOT / "docs" / guide).read_text(encoding="utf-8")
        (row,) = re.findall(r"^\| `iris-credentials` \| (.*)$", text, re.MULTILINE)
        assert keys == set(re.findall(r"`([A-Z_]+)`", row))


def test_a_changed_parameter_is_told(golden: dict[str, Compiled], tmp_path: Path) -> None:
    shutil.copytree(ROOT / "k8s", tmp_path / "k8s")
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    changed = text.replace('cpu_stage: {cpu: "4"', 'cpu_stage: {cpu: "5"')
    assert changed != text
    (tmp_path / "params.yaml").write_text(changed, encoding="utf-8")
    before = differences(golden, retraining(ROOT, None))
    told = [line for line in differences(golden, retraining(tmp_path, None)) if line not in before]
    assert {line.split(":")[0] for line in told} >= {"ingest", "fastpitch.gate"}
    assert not [line for line in told if line.startswith("fastpitch.train")]


def test_a_changed_graph_is_told(golden: dict[str, Compiled], monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = tuple(one for one in STAGES if one.name != "evaluate")
    rewired = tuple(
        stage_graph.Stage(**{**one.__dict__, "needs": ("train",)}) if one.name == "gate" else one
        for one in fewer
    )
    monkeypatch.setattr("components.core.retraining.STAGES", rewired)
    assert differences(golden, retraining(ROOT, None))[0] == "fastpitch.evaluate: not in the graph"


def test_every_field_of_a_pod_is_decided_about(graph: dict[str, Any], pod_fields: Any) -> None:
    for task in graph["tasks"]:
        assert pod_fields.undecided(task["pod"]) == [], "k8s/kubeflow/pod_fields.py"
    pod = copy.deepcopy(graph["tasks"][0]["pod"])
    pod["spec"]["hostNetwork"] = True
    pod["spec"]["containers"][0]["ports"] = [{"containerPort": 1}]
    pod["spec"]["containers"][0]["command"].append("$(IRIS_JOB)-0")
    *fields, command = pod_fields.undecided(pod)
    assert fields == ["spec.containers[].ports[].containerPort", "spec.hostNetwork"]
    assert "$(IRIS_JOB)-0" in command


def test_what_kubeflow_loses_stands_in_the_decision(pod_fields: Any) -> None:
    text = DECISION.read_text(encoding="utf-8")
    names = {re.sub(r"\[\]$", "", path).rpartition(".")[2] for path in pod_fields.LOST}
    assert sorted(name for name in names if f"`{name}`" not in text) == []


def differences(found: Mapping[str, Compiled], graph: Mapping[str, Any]) -> list[str]:
    """Where a pipeline and the graph differ, one line each."""
    wanted = {task["name"]: task for task in graph["tasks"]}
    told = [f"{name}: not in the graph" for name in found if name not in wanted]
    for name, task in wanted.items():
        if name not in found:
            told.append(f"{name}: not in the pipeline")
            continue
        if (first := _ancestors(name, wanted)) != found[name].needs:
            told.append(f"{name}: runs after {sorted(found[name].needs)}, the graph says {sorted(first)}")
        pod = carried(task["pod"])
        slots = {graph["slots"][key]: value for key, value in _PLACEHOLDERS.items()}
        pod["command"] = [_filled(word, slots, marked=False) for word in pod["command"]]
        told += [
            f"{name}: {key} is {found[name].pod[key]}, the graph says {value}"
            for key, value in pod.items()
            if found[name].pod[key] != value
        ]
        retry = {"maxRetryCount": graph["retry"]["count"]}
        retry["backoffDuration"] = f"{graph['retry']['delay_s']}s"
        retry["backoffMaxDuration"] = f"{graph['retry']['window_s']}s"
        if not retry.items() <= found[name].retry.items():
            told.append(f"{name}: retry is {found[name].retry}, the graph says {retry}")
    return told


_PLACEHOLDERS = {
    "profile": "{{$.inputs.parameters['profile']}}",
    "force": "{{$.inputs.parameters['force']}}",
    "verdict": "{{$.outputs.parameters['verdict'].output_file}}",
}


def _filled(word: str, values: Mapping[str, str], marked: bool = True) -> str:
    for name, value in values.items():
        word = word.replace("{{$." + name + "}}" if marked else name, value)
    return word


def _ancestors(name: str, tasks: Mapping[str, Any]) -> set[str]:
    pending, found = list(tasks[name]["needs"]), set()
    while pending:
        needed = pending.pop()
        if needed not in found:
            found.add(needed)
            pending += tasks[needed]["needs"]
    return found
