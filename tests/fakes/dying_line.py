"""A process that dies, without a word and without cleaning up, at a chosen line of chosen files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from types import FrameType
from typing import Any

_KILLED = 9


def lines_of(act: Callable[[], object], files: Collection[str], told: Path) -> list[int]:
    """Numbers of the line events of ``act`` worth dying at: the first and the last of every line."""
    if os.fork() == 0:
        seen: list[tuple[str, int]] = []
        _trace(files, lambda frame: seen.append((frame.f_code.co_filename, frame.f_lineno)))
        _leave(act, lambda: told.write_text("\n".join(f"{name}:{line}" for name, line in seen), "utf-8"))
    os.wait()
    events = told.read_text("utf-8").splitlines()
    first = {event: number for number, event in reversed(list(enumerate(events)))}
    last = {event: number for number, event in enumerate(events)}
    return sorted({*first.values(), *last.values()})


def dies_at(number: int, act: Callable[[], object], files: Collection[str]) -> bool:
    """Run ``act`` in a process that dies before its ``number``-th line; False where it ended before."""
    child = os.fork()
    if child == 0:
        count = iter(range(sys.maxsize))

        def die(frame: FrameType) -> None:
            if next(count) == number:
                os._exit(_KILLED)

        _trace(files, die)
        _leave(act, lambda: None)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == _KILLED


def _trace(files: Collection[str], at_line: Callable[[FrameType], None]) -> None:
    def local(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            at_line(frame)
        return local

    def enter(frame: FrameType, event: str, argument: Any) -> Any:
        return local if frame.f_code.co_filename in files else None

    sys.settrace(enter)


def _leave(act: Callable[[], object], then: Callable[[], object]) -> None:
    """The child's end: never back into the test runner."""
    code = 1
    try:
        act()
        sys.settrace(None)
        then()
        code = 0
    finally:
        os._exit(code)
