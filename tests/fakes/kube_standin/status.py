"""The status of a pod as scheduler and kubelet write it; each function edits a manifest."""

from __future__ import annotations

import uuid
from typing import Any

from kube_standin.store import Manifest, now

NODE = "standin-node"
DISRUPTED = "DisruptionTarget"


def fresh(pod: Manifest) -> None:
    """As the API server leaves it after create."""
    pod["status"] = {"phase": "Pending", "qosClass": "Guaranteed"}


def condition(pod: Manifest, kind: str, holds: bool, reason: str = "", message: str = "") -> None:
    """Set one condition, in place of an earlier one of that type."""
    entry: dict[str, Any] = {"type": kind, "status": str(holds), "lastTransitionTime": now()}
    entry |= {key: text for key, text in (("reason", reason), ("message", message)) if text}
    others = [one for one in pod["status"].get("conditions", []) if one["type"] != kind]
    pod["status"]["conditions"] = [*others, entry]


def unschedulable(pod: Manifest, message: str) -> None:
    """No node takes it."""
    condition(pod, "PodScheduled", False, "Unschedulable", message)


def scheduled(pod: Manifest) -> None:
    """A node has it; its containers wait."""
    pod["spec"]["nodeName"] = NODE
    condition(pod, "PodScheduled", True)
    condition(pod, "Initialized", True)
    pod["status"] |= {"hostIP": "192.0.2.1", "startTime": now()}
    waiting(pod, "ContainerCreating", "")


def waiting(pod: Manifest, reason: str, message: str) -> None:
    """The container cannot start (yet)."""
    state = {"reason": reason, **({"message": message} if message else {})}
    _container(pod, {"waiting": state}, ready=False)
    condition(pod, "Ready", False, "ContainersNotReady")


def running(pod: Manifest) -> None:
    """The container has started."""
    pod["status"] |= {"phase": "Running", "podIP": "192.0.2.2"}
    _container(pod, {"running": {"startedAt": now()}}, ready=True)
    condition(pod, "ContainersReady", True)
    condition(pod, "Ready", True)


def finished(pod: Manifest, code: int, reason: str, message: str) -> None:
    """The container has ended; with it the pod, whose restart policy is Never."""
    before = pod["status"].get("containerStatuses", [{}])[0].get("state", {})
    ended = {
        "exitCode": code,
        "reason": reason,
        "startedAt": before.get("running", {}).get("startedAt", now()),
        "finishedAt": now(),
        **({"message": message} if message else {}),
    }
    _container(pod, {"terminated": ended}, ready=False)
    pod["status"]["phase"] = "Succeeded" if code == 0 else "Failed"
    for kind in ("ContainersReady", "Ready"):
        condition(pod, kind, False, "PodCompleted" if code == 0 else "PodFailed")


def failed(pod: Manifest, reason: str, message: str) -> None:
    """The pod as a whole has failed: evicted, over its deadline."""
    pod["status"] |= {"phase": "Failed", "reason": reason, "message": message}


def disrupted(pod: Manifest, reason: str, message: str) -> None:
    """It goes through no fault of its own."""
    condition(pod, DISRUPTED, True, reason, message)


def _container(pod: Manifest, state: dict[str, Any], *, ready: bool) -> None:
    spec = pod["spec"]["containers"][0]
    known = pod["status"].get("containerStatuses", [{}])[0]
    started = "waiting" not in state
    pod["status"]["containerStatuses"] = [
        {
            "name": spec["name"],
            "image": spec["image"],
            "imageID": spec["image"] if started else "",
            "containerID": known.get("containerID") or (f"standin://{uuid.uuid4().hex}" if started else ""),
            "ready": ready,
            "started": ready,
            "restartCount": 0,
            "state": state,
            "lastState": {},
        }
    ]
