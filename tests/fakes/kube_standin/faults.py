"""What may go wrong with a pod, switched on for those that a test picks."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from kube_standin.store import Manifest

Pick = Callable[[Manifest], bool]
#: Ends of a pod that it did not choose. ``evicted``: by the eviction API or a preempting scheduler, so the
#: object goes too. ``pressure``: by its kubelet, the object stays as ``Evicted``. ``node``: the node is gone.
HOWS = ("evicted", "pressure", "killed", "oom", "node")


def any_pod(pod: Manifest) -> bool:
    """Every pod."""
    return True


def of_stage(stage: str) -> Pick:
    """The pods of a stage, by the label that the launcher sets."""

    def picks(pod: Manifest) -> bool:
        return bool((pod["metadata"].get("labels") or {}).get("iris/stage") == stage)

    return picks


@dataclass(frozen=True)
class Kill:
    """One end from outside: ``how``, and when: seconds after the start, or once a line contains a text."""

    how: str
    after_s: float = 0.0
    at_line: str = ""


@dataclass
class Strike:
    """What became of a kill: the pod, and whether it was still running."""

    pod: str
    stage: str
    kill: Kill
    hit: bool


@dataclass
class _Rule:
    pick: Pick
    times: int | None
    value: Any

    def takes(self, pod: Manifest) -> bool:
        if self.times == 0 or not self.pick(pod):
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass
class Faults:
    """The switches; all are off at first. ``times`` is how many pods a switch is for, None for all."""

    strikes: list[Strike] = field(default_factory=list)
    lost_replies: int = 0
    _rules: dict[str, list[_Rule]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def unschedulable(self, pick: Pick = any_pod, times: int | None = None) -> None:
        """Pending for ever: no node has what it asks for."""
        message = "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector."
        self._switch("schedule", pick, times, message)

    def cannot_pull(self, pick: Pick = any_pod, times: int | None = None, message: str = "") -> None:
        """``ErrImagePull``, then ``ImagePullBackOff``."""
        self._switch("pull", pick, times, message or "failed to resolve reference: not found")

    def vanishes_after_success(self, pick: Pick = any_pod, times: int | None = None) -> None:
        """Garbage-collected before anybody could read its end."""
        self._switch("vanish", pick, times, None)

    def kills(self, kills: Iterable[Kill], pick: Pick = any_pod) -> None:
        """One of ``kills`` for each pod that is picked, in order; once they are used up, pods live on."""
        self._switch("kill", pick, None, deque(kills))

    def lose_replies_to_create(self, times: int) -> None:
        """The pod is created, the answer gets lost on its way: the client asks again."""
        self.lost_replies += times

    def off(self) -> None:
        """All switches off; strikes stay on record."""
        with self._lock:
            self._rules.clear()
            self.lost_replies = 0

    def message(self, switch: str, pod: Manifest) -> str | None:
        """For ``schedule`` and ``pull``: what goes wrong with this pod, if anything."""
        rule = self._first(switch, pod)
        return None if rule is None else str(rule.value)

    def vanishes(self, pod: Manifest) -> bool:
        """Whether this pod, which has succeeded, is gone at once."""
        return self._first("vanish", pod) is not None

    def next_kill(self, pod: Manifest) -> Kill | None:
        """How and when this pod, which has just started, ends from outside."""
        with self._lock:
            for rule in self._rules.get("kill", []):
                if rule.value and rule.pick(pod):
                    kill: Kill = rule.value.popleft()
                    return kill
        return None

    def take_lost_reply(self) -> bool:
        """Whether the answer to this create gets lost."""
        with self._lock:
            if self.lost_replies == 0:
                return False
            self.lost_replies -= 1
            return True

    def _switch(self, switch: str, pick: Pick, times: int | None, value: object) -> None:
        with self._lock:
            self._rules.setdefault(switch, []).append(_Rule(pick, times, value))

    def _first(self, switch: str, pod: Manifest) -> _Rule | None:
        with self._lock:
            return next((rule for rule in self._rules.get(switch, []) if rule.takes(pod)), None)
