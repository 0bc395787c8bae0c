"""What this process and its descendants have taken so far, and since when: read from ``/proc``."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
#: Fields of /proc/<pid>/stat after the name, counted from 0 (proc(5) counts pid and name, and from 1).
_PARENT, _CPU_TIMES, _STARTED = 1, slice(11, 15), 19


def cpu_seconds() -> float:
    """CPU seconds (user and system) of this process, its descendants, and those of them that have ended.

    `resource.getrusage` misses what still runs and what another process waited for: the workers of a fork
    server are its children, not ours.
    """
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for pid, fields in _processes():
        parents[pid] = int(fields[_PARENT])
        ticks[pid] = sum(int(field) for field in fields[_CPU_TIMES])
    me = os.getpid()
    return sum(ticks[pid] for pid in ticks if _descends(pid, me, parents)) / os.sysconf("SC_CLK_TCK")


def started_at() -> float:
    """When this process was started: seconds since the epoch, to about 10 ms."""
    ticks = int(_fields(os.getpid())[_STARTED])
    running = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.time() - running


def _descends(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    while pid and pid != ancestor:
        pid = parents.get(pid, 0)
    return pid == ancestor


def _processes() -> Iterator[tuple[int, list[str]]]:
    for entry in os.scandir(_PROC):
        if entry.name.isdigit():
            try:
                yield int(entry.name), _fields(int(entry.name))
            except OSError:
                continue  # it has ended since


def _fields(pid: int) -> list[str]:
    """The fields after the name, which may hold spaces and brackets itself."""
    return (
        (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    )
