"""What a pod's status means, and the same contract as a Job's podFailurePolicy."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import kubernetes_validate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import catalogue
from components.adapters.pod_end import Then, pod_end, pod_failure_policy, vanished
from components.adapters.pod_spec import render_pod
from components.core.attempt import Ending, failed
from components.core.errors import NEVER_RETRIED, DataError
from components.core.paths import project_root
from components.core.stage_graph import stage

ROOT = project_root()
SCHEDULED = {"type": "PodScheduled", "status": "True"}


def _pod(phase: str, code: int | None = None, **more: Any) -> dict[str, Any]:
    status: dict[str, Any] = {"phase": phase, **more}
    if code is not None:
        ended = {"exitCode": code, **more.pop("terminated", {})}
        status["containerStatuses"] = [{"name": "base", "state": {"terminated": ended}}]
    return {"metadata": {"name": "iris-train"}, "status": status}


def _disrupted(kind: str, status: str = "True") -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": status, "reason": "Preempted"}]}


@pytest.mark.parametrize(
    ("pod", "reason", "then"),
    [
        (_pod("Succeeded", 0), "succeeded", Then.DONE),
        (_pod("Succeeded"), "succeeded", Then.DONE),
        (_pod("Failed", 42), "refused", Then.FAIL),
        (_pod("Failed", 1), "refused", Then.FAIL),
        (_pod("Failed", 75), "retryable", Then.RETRY),
        (_pod("Failed", 143), "stopped", Then.RETRY),
        (_pod("Failed", 137), "killed", Then.RETRY),
        (_pod("Failed", 137, terminated={"reason": "OOMKilled"}), "out_of_memory", Then.RETRY),
        (_pod("Failed", 134), "crashed", Then.RETRY),
        (_pod("Failed", 143, **_disrupted("DisruptionTarget")), "disrupted", Then.AGAIN),
        (_pod("Failed", 143, **_disrupted("TerminationTarget")), "disrupted", Then.AGAIN),
        (_pod("Failed", 143, **_disrupted("DisruptionTarget", "False")), "stopped", Then.RETRY),
        (_pod("Failed", 42, **_disrupted("DisruptionTarget")), "disrupted", Then.AGAIN),
        (_pod("Succeeded", 0, **_disrupted("DisruptionTarget")), "succeeded", Then.DONE),
        (_pod("Failed", reason="NodeShutdown"), "disrupted", Then.AGAIN),
        (_pod("Failed", reason="Evicted", message="emptyDir exceeds the limit"), "over_limit", Then.RETRY),
        (_pod("Failed", 143, reason="DeadlineExceeded"), "deadline", Then.RETRY),
        (_pod("Failed", reason="UnexpectedAdmissionError"), "never_started", Then.RETRY),
        (_pod("Pending"), "unschedulable", Then.FAIL),
        (_pod("Pending", conditions=[SCHEDULED]), "never_started", Then.RETRY),
    ],
)
def test_every_end_has_a_reason(pod: dict[str, Any], reason: str, then: Then) -> None:
    end = pod_end(pod, "base")
    assert (end.reason, end.then) == (reason, then)
    assert "To do: " in end.message
    assert any("가" <= letter <= "힣" for letter in end.message)


def test_what_the_stage_said_stands_in_the_message() -> None:
    error = DataError(who="ko_0007", expected="0.5 s", found="0.21 s", action="remove it")
    told = json.dumps(asdict(failed(error)), ensure_ascii=False)
    assert len(told.encode()) < 4096
    end = pod_end(_pod("Failed", 42, terminated={"message": told}), "base")
    assert "ko_0007: expected 0.5 s" in end.message
    assert end.ending == failed(error)
    end = pod_end(_pod("Failed", 1, terminated={"message": "Traceback\nKeyError: 'speaker'\n"}), "base")
    assert "KeyError: 'speaker'" in end.message
    assert end.ending is None


def test_a_long_error_still_fits_into_a_termination_message() -> None:
    error = DataError(who="가" * 5000, expected="x", found="y", action="z")
    assert len(json.dumps(asdict(failed(error)), ensure_ascii=False).encode()) < 4096


@given(st.text())
def test_any_text_may_stand_in_a_termination_message(text: str) -> None:
    pod_end(_pod("Failed", 1, terminated={"message": text}), "base")


@given(st.integers(1, 255))
def test_operator_and_job_agree_on_every_exit_code(code: int) -> None:
    _, fails = pod_failure_policy("base")["rules"]
    ends_the_job = code in fails["onExitCodes"]["values"]
    assert (pod_end(_pod("Failed", code), "base").then is Then.FAIL) is ends_the_job


def test_a_job_with_the_policy_is_one_that_the_api_takes() -> None:
    pod = render_pod(stage("train"), "fastpitch", catalogue.load(ROOT, None), ROOT, ["-m", "components"])
    policy = pod_failure_policy(pod["spec"]["containers"][0]["name"])
    template = {"metadata": {"labels": pod["metadata"]["labels"]}, "spec": pod["spec"]}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "train"}}
    job["spec"] = {"podFailurePolicy": policy, "template": template}
    kubernetes_validate.validate(job, "1.34", strict=True)
    assert pod["spec"]["restartPolicy"] == "Never"
    assert [rule["action"] for rule in policy["rules"]] == ["Ignore", "FailJob"]
    values = policy["rules"][1]["onExitCodes"]["values"]
    assert values == sorted(NEVER_RETRIED), "the API wants them in order"


def test_a_pod_that_is_gone_is_followed_by_another() -> None:
    assert vanished("iris-train").then is Then.AGAIN


def test_an_ending_tells_its_attempt() -> None:
    told = Ending("key", "refused", verdict="FAIL")
    end = pod_end(_pod("Succeeded", 0, terminated={"message": json.dumps(asdict(told))}), "base")
    assert end.ending == told
