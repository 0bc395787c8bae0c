"""A container: a process group with its own environment and log, started cold or forked warm."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from kube_standin.images import Image
from kube_standin.logs import ContainerLog

SIGNALLED = 128
_LOG_DRAINS_S = 5.0


class Started:
    """A process that runs; ``code`` is its exit code as a container runtime tells it (128 + signal)."""

    def __init__(self) -> None:
        self.pid = 0
        self.code: int | None = None
        self.known = threading.Event()
        self.ended = threading.Event()

    def end(self, returned: int) -> None:
        """Note how it ended and end what it left behind, as a runtime does with the container's processes."""
        _kill_group(self.pid, signal.SIGKILL)
        self.code = SIGNALLED - returned if returned < 0 else returned
        self.ended.set()


class Nursery:
    """The warm interpreter, started at the first container that wants it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        script = Path(__file__).with_name("nursery.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script), str(theirs.fileno())],
            env=dict(environment),
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        self._started: dict[int, Started] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def start(
        self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, log: int
    ) -> Started:
        """Fork a child that runs ``arguments``; ``log`` becomes its stdout and stderr."""
        started = Started()
        with self._lock:
            number = len(self._started)
            self._started[number] = started
            request = {
                "id": number,
                "arguments": list(arguments),
                "environment": dict(environment),
                "folder": str(folder),
            }
            socket.send_fds(self._channel, [json.dumps(request).encode()], [log])
        started.known.wait()
        return started

    def close(self) -> None:
        """Let it end."""
        self._channel.close()
        self._process.terminate()
        self._process.wait()

    def _listen(self) -> None:
        while True:
            try:
                message = self._channel.recv(4096)
            except OSError:
                return
            if not message:
                return
            told = json.loads(message)
            started = self._started[told["id"]]
            if "pid" in told:
                started.pid = told["pid"]
                started.known.set()
            else:
                started.end(told["exit"])


class Container:
    """One container of a pod; ``signal`` and ``kill`` reach what the kubelet's would reach."""

    def __init__(self, log: ContainerLog, started: Started) -> None:
        self.log = log
        self._started = started

    @classmethod
    def start(
        cls, image: Image, command: Sequence[str], environment: Mapping[str, str], nursery: Nursery | None
    ) -> Container:
        """Run ``command`` in the image.

        Raises:
            OSError: the program cannot be started (``RunContainerError``).
        """
        log = ContainerLog()
        writing = log.attach()
        try:
            if nursery is not None and command[0] == "python":
                started = nursery.start(command[1:], environment, image.app, writing)
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
            _kill_group(self._started.pid, signal.SIGKILL)


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


def _kill_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return
