"""One pod's life, from Pending to its end; it writes down what scheduler and kubelet would."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kube_standin import status
from kube_standin.container import Container
from kube_standin.environment import ConfigError, Mounts, environment_of
from kube_standin.faults import Kill, Strike
from kube_standin.store import Manifest, NotFoundError, now

if TYPE_CHECKING:
    from kube_standin.kubelet import Kubelet

_DEFAULT_GRACE_S = 30
_TERMINATION_PATH, _TERMINATION_LOG = "/dev/termination-log", "termination-log"
_LONGEST_MESSAGE = 4096


class PodLife(threading.Thread):
    """One pod. ``stop`` and ``strike`` come from other threads."""

    def __init__(self, kubelet: Kubelet, pod: Manifest) -> None:
        super().__init__(daemon=True, name=pod["metadata"]["name"])
        self.kubelet, self.pod = kubelet, pod
        self.namespace, self.name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        self.grace_s = float(pod["spec"].get("terminationGracePeriodSeconds", _DEFAULT_GRACE_S))
        self.container: Container | None = None
        self.remove = False
        self._stopped = threading.Event()
        self._failed: tuple[str, str] | None = None
        self._out_of_memory = self._gone = False
        self._lock = threading.Lock()

    def run(self) -> None:
        """From Pending to the end."""
        try:
            if self._schedule() and self._pull() and self._launch():
                self._wait_for_the_end()
        except NotFoundError:
            return
        finally:
            if self.remove:
                self.kubelet.pods.remove(self.namespace, self.name)

    def stop(self, grace_s: float) -> None:
        """SIGTERM now, SIGKILL after the grace period."""
        self._stopped.set()
        with self._lock:
            container = self.container
        if container is None:
            return
        self.kubelet.tell(self.pod, "Killing", "Stopping container base")
        if grace_s > 0:
            container.stop()
            timer = threading.Timer(grace_s, container.kill)
            timer.daemon = True
            timer.start()
        else:
            container.kill()

    def strike(self, kill: Kill) -> None:
        """End it from outside, if it is still running."""
        container = self.container
        hit = container is not None and container.code is None
        stage = (self.pod["metadata"].get("labels") or {}).get("iris/stage", "")
        self.kubelet.faults.strikes.append(Strike(self.name, stage, kill, hit))
        if not hit or container is None:
            return
        if kill.how == "evicted":
            self._change(lambda pod: status.disrupted(pod, "EvictionByEvictionAPI", "Eviction API: evicting"))
            self._mark_deleted()
            self.remove = True
            self.stop(self.grace_s)
        elif kill.how == "pressure":
            message = "The node was low on resource: memory."
            self._change(lambda pod: status.disrupted(pod, "TerminationByKubelet", message))
            self.kubelet.tell(self.pod, "Evicted", message, "Warning")
            self._failed = ("Evicted", message)
            self.stop(self.grace_s)
        elif kill.how == "node":
            self._gone = True
            container.kill()
        else:
            self._out_of_memory = kill.how == "oom"
            container.kill()

    def _schedule(self) -> bool:
        message = self.kubelet.faults.message("schedule", self.pod)
        if message is not None:
            self._change(lambda pod: status.unschedulable(pod, message))
            self.kubelet.tell(self.pod, "FailedScheduling", message, "Warning")
            self._stopped.wait()
            return False
        self.pod = self._change(status.scheduled)
        self.kubelet.tell(self.pod, "Scheduled", f"assigned to {status.NODE}")
        return True

    def _pull(self) -> bool:
        reference = self.pod["spec"]["containers"][0]["image"]
        message = self.kubelet.faults.message("pull", self.pod)
        if message is None and self.kubelet.image(reference) is None:
            message = f"{reference}: not found"
        if message is None:
            self.kubelet.tell(self.pod, "Pulled", f'Container image "{reference}" present on machine')
            return True
        told = f'failed to pull image "{reference}": {message}'
        self._change(lambda pod: status.waiting(pod, "ErrImagePull", told))
        self.kubelet.tell(self.pod, "Failed", told, "Warning")
        if not self._stopped.wait(1.0):
            backing = f'Back-off pulling image "{reference}": ErrImagePull: {told}'
            self._change(lambda pod: status.waiting(pod, "ImagePullBackOff", backing))
            self.kubelet.tell(self.pod, "BackOff", f'Back-off pulling image "{reference}"')
            self._stopped.wait()
        return False

    def _launch(self) -> bool:
        spec = self.pod["spec"]["containers"][0]
        image = self.kubelet.image(spec["image"])
        if image is None or self._stopped.is_set():
            return False
        try:
            mounts = Mounts(self.pod, image, self.kubelet.claims, self._folder())
            mounts.add_file(spec.get("terminationMessagePath", _TERMINATION_PATH), _TERMINATION_LOG)
            environment = environment_of(self.pod, image, mounts, self.kubelet.secrets)
            command = [mounts.translate(word) for word in (*spec.get("command", []), *spec.get("args", []))]
            container = Container.start(image, command, environment)
        except ConfigError as error:
            return self._cannot_start("CreateContainerConfigError", str(error))
        except OSError as error:
            return self._cannot_start("RunContainerError", str(error))
        with self._lock:
            self.container = container
        self.pod = self._change(status.running)
        self.kubelet.tell(self.pod, "Started", "Started container base")
        if self._stopped.is_set():
            container.kill()
        self._await_kill(container, self.kubelet.faults.next_kill(self.pod))
        return True

    def _cannot_start(self, reason: str, message: str) -> bool:
        self._change(lambda pod: status.waiting(pod, reason, message))
        self.kubelet.tell(self.pod, "Failed", f"Error: {message}", "Warning")
        self._stopped.wait()
        return False

    def _await_kill(self, container: Container, kill: Kill | None) -> None:
        if kill is None:
            return
        if kill.at_line:
            once = threading.Event()

            def observe(line: str) -> None:
                if kill.at_line in line and not once.is_set():
                    once.set()
                    threading.Thread(target=self.strike, args=(kill,), daemon=True).start()

            container.log.observe(observe)
            return
        timer = threading.Timer(kill.after_s, self.strike, (kill,))
        timer.daemon = True
        timer.start()

    def _wait_for_the_end(self) -> None:
        container = self.container
        if container is None:
            return
        deadline = self.pod["spec"].get("activeDeadlineSeconds")
        if not container.wait(deadline) and container.code is None:
            self._failed = (
                "DeadlineExceeded",
                "Pod was active on the node longer than the specified deadline",
            )
            self.stop(self.grace_s)
            container.wait(None)
        code = container.code or 0
        reason = "OOMKilled" if self._out_of_memory else "Completed" if code == 0 else "Error"
        message = self._message(container, code)
        if self._gone or (code == 0 and self.kubelet.faults.vanishes(self.pod)):
            self.remove = True  # nobody gets to read how it ended
        else:
            self._change(lambda pod: self._finish(pod, code, reason, message))

    def _message(self, container: Container, code: int) -> str:
        """What the container left in its termination log, else its log's tail where the pod asks for that."""
        left = self._folder() / _TERMINATION_LOG
        text = left.read_bytes()[:_LONGEST_MESSAGE].decode("utf-8", "replace") if left.is_file() else ""
        policy = self.pod["spec"]["containers"][0].get("terminationMessagePolicy", "File")
        return text or (container.log.tail() if code and policy == "FallbackToLogsOnError" else "")

    def _folder(self) -> Path:
        return self.kubelet.scratch / self.name

    def _finish(self, pod: Manifest, code: int, reason: str, message: str) -> None:
        status.finished(pod, code, reason, message)
        if self._failed is not None:
            status.failed(pod, *self._failed)

    def _mark_deleted(self) -> None:
        def mark(pod: Manifest) -> None:
            pod["metadata"] |= {
                "deletionTimestamp": now(),
                "deletionGracePeriodSeconds": int(self.grace_s),
            }

        self._change(mark)

    def _change(self, edit: Callable[[Manifest], object]) -> Manifest:
        return self.kubelet.pods.change(self.namespace, self.name, edit)
