"""A container: a process group with its own environment and log, started cold or forked warm."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence

from kube_standin.images import Image
from kube_standin.logs import ContainerLog
from kube_standin.processes import Started, kill_group

_LOG_DRAINS_S = 5.0


class Container:
    """One container of a pod; ``signal`` and ``kill`` reach what the kubelet's would reach."""

    def __init__(self, log: ContainerLog, started: Started) -> None:
        self.log = log
        self._started = started

    @classmethod
    def start(cls, image: Image, command: Sequence[str], environment: Mapping[str, str]) -> Container:
        """Run ``command`` in the image.

        Raises:
            OSError: the program cannot be started (``RunContainerError``).
        """
        log = ContainerLog()
        writing = log.attach()
        try:
            if image.nursery is not None and command[0] == "python":
                started = image.nursery.start(command[1:], environment, image.app, writing)
            else:
                started = _cold(image, command, environment, writing)
        finally:
            os.close(writing)
        return cls(log, started)

    @property
    def code(self) -> int | None:
        """Exit code, None while it runs."""
        return self._started.code

    def wait(self, timeout_s: float | None) -> bool:
        """Whether it has ended, its log included."""
        return self._started.ended.wait(timeout_s) and self.log.wait_closed(_LOG_DRAINS_S)

    def stop(self) -> None:
        """SIGTERM to the first process, as the runtime sends it."""
        if self.code is None:
            try:
                os.kill(self._started.pid, signal.SIGTERM)
            except ProcessLookupError:
                return

    def kill(self) -> None:
        """SIGKILL to all of it."""
        if self.code is None:
            kill_group(self._started.pid, signal.SIGKILL)


def _cold(image: Image, command: Sequence[str], environment: Mapping[str, str], log: int) -> Started:
    program = image.programs.get(command[0], command[0])
    process = subprocess.Popen(
        [program, *command[1:]],
        env=dict(environment),
        cwd=image.app,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    started = Started()
    started.pid = process.pid
    threading.Thread(target=lambda: started.end(process.wait()), daemon=True).start()
    return started
