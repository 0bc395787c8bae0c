"""How a stage's pod ended, in words, and what follows from it. Plain data in the API's JSON; nothing is sent.

The exit codes are those of ``components.core.errors``. The contract exists twice: ``pod_end`` judges a pod
that an operator launched (nothing in Kubernetes restarts it), ``pod_failure_policy`` is for pods of a Job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from components.core.attempt import Ending, ending_of
from components.core.errors import (
    EXIT_OK,
    EXIT_RETRYABLE,
    EXIT_STOPPED,
    NEVER_RETRIED,
)

#: Kubernetes sets the first on evictions, preemption and node shutdown, Kueue the second on what it stops.
_DISRUPTED = ("DisruptionTarget", "TerminationTarget")
#: What a kubelet that takes a pod down by itself writes as the pod's reason, with or without a condition.
_TAKEN_DOWN = frozenset({"NodeShutdown", "Preempting", "Terminated", "NodeLost"})
_IMAGE_TROUBLE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
_EXIT_KILLED = 137

Json = Mapping[str, Any]


class Then(Enum):
    """What follows from an end."""

    DONE = "done"
    #: No retry mends it.
    FAIL = "fail"
    #: The scheduler's own retry, with its delay and its count.
    RETRY = "retry"
    #: Another pod for the same attempt at once: nothing was wrong with the stage.
    AGAIN = "again"


@dataclass(frozen=True)
class PodEnd:
    """The end of a pod.

    Attributes:
        reason: one word, for logs and tests.
        then: what follows.
        message: who, expected, found, to do, and a Korean hint.
        exit_code: of the stage's container, None where it did not end by itself.
        ending: what the stage's process told, if it did.
    """

    reason: str
    then: Then
    message: str
    exit_code: int | None = None
    ending: Ending | None = None


#: reason → what follows, what was found, what to do, Korean hint.
_REASONS: dict[str, tuple[Then, str, str, str]] = {
    "succeeded": (Then.DONE, "exit code 0", "nothing", "정상 종료"),
    "refused": (
        Then.FAIL,
        "exit code {code}: bad input, configuration or data, or a defect",
        "read the last line of its log, mend that, then clear the task",
        "입력·설정 오류이거나 결함입니다. 로그의 마지막 줄을 확인하세요. 재시도로는 해결되지 않습니다.",
    ),
    "retryable": (
        Then.RETRY,
        "exit code 75: something outside (tracking server, remote, disk) failed, or no progress was made",
        "nothing if a retry succeeds; otherwise read the last line of its log",
        "일시적 장애입니다. 자동으로 재시도합니다.",
    ),
    "stopped": (
        Then.RETRY,
        "exit code 143: it was told to stop",
        "nothing: the retry goes on from the checkpoint",
        "중단 신호를 받았습니다. 재시도 시 체크포인트에서 이어집니다.",
    ),
    "disrupted": (
        Then.AGAIN,
        "it was evicted or preempted ({why})",
        "nothing: another pod goes on from the checkpoint",
        "노드 정비 또는 선점으로 퇴거되었습니다. 새 파드가 체크포인트에서 이어집니다.",
    ),
    "vanished": (
        Then.AGAIN,
        "it is gone and left no record of this attempt",
        "nothing: another pod goes on; if it repeats, find out who deletes pods",
        "파드가 기록 없이 사라졌습니다. 새 파드로 이어서 진행합니다.",
    ),
    "out_of_memory": (
        Then.RETRY,
        "OOMKilled: it used more memory than its limit",
        "raise memory in `resources` and the quota with it; shm counts as memory",
        "메모리 한도를 초과했습니다. resources의 memory와 쿼터를 함께 올리세요.",
    ),
    "over_limit": (
        Then.RETRY,
        "it was evicted for using more disk than its limit ({why})",
        "raise scratch in `resources`, and the quota with it",
        "디스크 한도를 초과했습니다. resources의 scratch를 올리세요.",
    ),
    "deadline": (
        Then.RETRY,
        "DeadlineExceeded: it ran longer than platform.kubernetes.active_deadline_h",
        "nothing if the retry ends in time; otherwise raise the deadline",
        "제한 시간을 초과했습니다. 재시도 시 체크포인트에서 이어집니다.",
    ),
    "overdue": (
        Then.RETRY,
        "execution_timeout_h passed, waiting for the node included",
        "nothing if the retry ends in time; otherwise raise platform.airflow.execution_timeout_h",
        "작업 제한 시간을 초과했습니다. 재시도 시 체크포인트에서 이어집니다.",
    ),
    "killed": (
        Then.RETRY,
        "exit code 137: it was killed without a word (grace period over, or the node's memory)",
        "nothing if a retry succeeds; otherwise look at the node",
        "강제 종료되었습니다. 재시도 시 마지막 체크포인트에서 이어집니다.",
    ),
    "crashed": (
        Then.RETRY,
        "exit code {code}: a crash below Python ({why})",
        "nothing if a retry succeeds; otherwise keep the log and tell the team (135: shm is too small)",
        "파이썬 아래에서 비정상 종료되었습니다. 반복되면 로그와 함께 알려 주세요.",
    ),
    "image": (
        Then.FAIL,
        "{why}",
        "correct platform.kubernetes.image, or give the service account a pull secret",
        "컨테이너 이미지를 받지 못했습니다. 이미지 주소(다이제스트)와 레지스트리 인증을 확인하세요.",
    ),
    "unschedulable": (
        Then.FAIL,
        "it waited for a node longer than platform.kubernetes.schedule_timeout_h ({why})",
        "look at the queue (`kubectl get workloads`) and the nodes' labels, then clear the task",
        "대기 시간이 초과되었습니다. 대기열과 GPU 노드 라벨을 확인하세요.",
    ),
    "never_started": (
        Then.RETRY,
        "it never started ({why})",
        "`kubectl describe pod`; a slow image pull wants a longer platform.kubernetes.startup_timeout_s",
        "파드가 시작되지 않았습니다. `kubectl describe pod` 로 원인을 확인하세요.",
    ),
}


def is_over(pod: Json) -> bool:
    """Whether nothing of the pod runs or will run."""
    return pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}


def pod_end(pod: Json, container: str, overdue: bool = False) -> PodEnd:
    """Judge a pod whose wait is over, because it ended or because nobody waits any longer.

    A disruption goes before the exit code, as in ``pod_failure_policy``: a node that goes down takes network
    and volumes along, and what the stage says then is not about the stage.

    Args:
        pod: as the API gives it, in JSON.
        container: that of the stage.
        overdue: the task's own time is up.
    """
    name, status = pod["metadata"]["name"], pod.get("status", {})
    state = _container_state(status, container)
    ended = state.get("terminated") or {}
    code, text = ended.get("exitCode"), str(ended.get("message") or "")
    told = ending_of(text)
    reason, why = _reason(status, state, code, overdue)
    said = told.message if told else (text.splitlines() or [""])[-1]
    return _end(name, reason, why, code, told, said)


def vanished(name: str) -> PodEnd:
    """The end of a pod that is gone, with no record of what it did."""
    return _end(name, "vanished", "", None, None, "")


def pod_failure_policy(container: str) -> dict[str, Any]:
    """``podFailurePolicy`` of a Job whose pods run a stage; the API takes it with restartPolicy Never only.

    Args:
        container: name of the container whose exit code counts.
    """
    return {
        "rules": [
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            {
                "action": "FailJob",
                "onExitCodes": {
                    "containerName": container,
                    "operator": "In",
                    "values": sorted(NEVER_RETRIED),
                },
            },
        ]
    }


def _end(name: str, reason: str, why: str, code: int | None, told: Ending | None, said: str) -> PodEnd:
    then, found, action, hint = _REASONS[reason]
    found = ". It says: ".join(part for part in (found.format(code=code, why=why), said) if part)
    message = f"pod {name}: expected exit code 0, found {found}. To do: {action} ({hint})"
    return PodEnd(reason, then, message, code, told)


def _reason(status: Json, state: Json, code: int | None, overdue: bool) -> tuple[str, str]:
    disrupted = _disruption(status)
    if code == EXIT_OK or status.get("phase") == "Succeeded":
        return "succeeded", ""
    if disrupted:
        return "disrupted", disrupted
    if status.get("reason") == "Evicted":
        # node pressure comes with a condition; without one the pod broke a limit of its own
        return "over_limit", str(status.get("message", ""))
    if status.get("reason") == "DeadlineExceeded":
        return "deadline", ""
    if code is not None:
        return _reason_of_code(code, str((state.get("terminated") or {}).get("reason", "")))
    if status.get("phase") == "Failed":
        return "never_started", str(status.get("message") or status.get("reason") or "no reason given")
    waiting = state.get("waiting") or {}
    if waiting.get("reason") in _IMAGE_TROUBLE:
        return "image", f"{waiting['reason']}: {waiting.get('message', '')}".strip()
    if overdue:
        return "overdue", ""
    scheduled = _condition(status, "PodScheduled")
    if scheduled.get("status") != "True":
        return "unschedulable", f"{scheduled.get('reason', '')} {scheduled.get('message', '')}".strip()
    return "never_started", str(waiting.get("reason", "no reason given"))


def _reason_of_code(code: int, reason: str) -> tuple[str, str]:
    if reason == "OOMKilled":
        return "out_of_memory", ""
    known = {EXIT_RETRYABLE: "retryable", EXIT_STOPPED: "stopped", _EXIT_KILLED: "killed"}
    if code in NEVER_RETRIED:
        return "refused", ""
    return known.get(code, "crashed"), reason


def _disruption(status: Json) -> str:
    """Why the pod was taken down from outside, "" where it was not."""
    for kind in _DISRUPTED:
        condition = _condition(status, kind)
        if condition.get("status") == "True":
            return str(condition.get("reason") or kind)
    reason = status.get("reason")
    return str(reason) if reason in _TAKEN_DOWN else ""


def _condition(status: Json, kind: str) -> Json:
    return next((one for one in status.get("conditions") or [] if one["type"] == kind), {})


def _container_state(status: Json, container: str) -> Json:
    for one in status.get("containerStatuses") or []:
        if one["name"] == container:
            return dict(one.get("state") or {})
    return {}
