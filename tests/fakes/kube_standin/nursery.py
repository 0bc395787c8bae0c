"""Forks Python containers from an interpreter with the third-party libraries loaded; run as a script.

Nothing of this project is imported before the fork: a pod loads its image's code like any other. A child gets
a session, an environment, a folder and a path of its own, and ends like an interpreter that was started.
As in a container, whose first process has no default action for SIGTERM, an unhandled SIGTERM does nothing.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from typing import Any

LIBRARIES = (
    "torch", "numpy", "pandas", "scipy.signal", "soundfile", "pydantic", "typer", "rich.console", "filelock",
    "mlflow", "mlflow.tracking", "mlflow.store.tracking.sqlalchemy_store", "mlflow.data.meta_dataset",
    "great_expectations", "dvc.repo", "dvc.api", "librosa", "resemblyzer", "openpyxl", "matplotlib.pyplot",
    "safetensors.torch", "pyworld", "nh3",
)  # fmt: skip
_LONGEST_REQUEST = 1 << 20


def main(descriptor: int) -> None:
    """Serve requests until the other end closes; in a child, run its program and return."""
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.freeze()
    channel = socket.socket(fileno=descriptor)
    children: dict[int, int] = {}
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    selector = selectors.DefaultSelector()
    selector.register(channel, selectors.EVENT_READ)
    selector.register(woken, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fd == woken:
                os.read(woken, 4096)
                _report(channel, children)
                continue
            message, descriptors, _, _ = socket.recv_fds(channel, _LONGEST_REQUEST, 1)
            if not message:
                return
            request = json.loads(message)
            pid = os.fork()
            if pid == 0:
                selector.close()
                channel.close()
                os.close(woken)
                _become(request, descriptors[0], wake)
                return
            os.close(descriptors[0])
            children[pid] = request["id"]
            channel.send(json.dumps({"id": request["id"], "pid": pid}).encode())


def _report(channel: socket.socket, children: dict[int, int]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        code = os.waitstatus_to_exitcode(status)
        channel.send(json.dumps({"id": children.pop(pid), "exit": code}).encode())


def _become(request: dict[str, Any], log: int, wake: int) -> None:
    os.setsid()
    signal.set_wakeup_fd(-1)
    os.close(wake)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(
        signal.SIGTERM, lambda number, frame: None
    )  # a handler, which programs it starts do not get
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, log), (2, log)):
        os.dup2(source, target)
    os.close(log)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    _run(request["arguments"], request["folder"])


def _run(arguments: list[str], folder: str) -> None:
    """``-m module …`` or ``-c code …``, as the interpreter does it."""
    sys.path[0] = folder
    sys.argv = ["-" + arguments[0][1], *arguments[2:]]
    if arguments[0] == "-m":
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    elif arguments[0] == "-c":
        exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102
    else:
        raise SystemExit(f"a warm interpreter runs -m and -c only, found {arguments[0]}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
