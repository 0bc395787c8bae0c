"""Processes as containers: how one ended, and the warm interpreter that forks them."""

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

SIGNALLED = 128


class Started:
    """A process that runs; ``code`` is its exit code as a container runtime tells it (128 + signal)."""

    def __init__(self) -> None:
        self.pid = 0
        self.code: int | None = None
        self.known = threading.Event()
        self.ended = threading.Event()

    def end(self, returned: int) -> None:
        """Note how it ended and end what it left behind, as a runtime does with the container's processes."""
        kill_group(self.pid, signal.SIGKILL)
        self.code = SIGNALLED - returned if returned < 0 else returned
        self.ended.set()


class Nursery:
    """The warm interpreter; one serves any number of clusters until it is closed."""

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

    @property
    def pid(self) -> int:
        """Of the interpreter."""
        return self._process.pid

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


def kill_group(pid: int, number: signal.Signals) -> None:
    """Signal a process and all that it started; of no consequence where they are gone."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return
