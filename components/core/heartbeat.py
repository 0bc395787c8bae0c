"""Whether a stage still gets anywhere: a file for people, and an end for a process that hangs.

Signs of life are beats (a step, an item, a line of progress) and, outside the training loop, CPU time: a push
of many gigabytes says nothing for long and is not hanging. Inside the loop only beats count, because a
deadlocked collective spins at full load.
"""

from __future__ import annotations

import contextlib
import datetime
import faulthandler
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from components.core.attempt import failed, tell
from components.core.errors import HungError, StorageError
from components.core.storage import write_text

#: The watch from outside Python, for a hang that holds the interpreter's lock, waits this much longer.
_BACKSTOP = 2
_STDERR = 2  # the descriptor: whatever Python's stream is by then


@dataclass
class Patience:
    """When silence becomes a hang: a function of clock readings, so that a test needs no time.

    Args:
        seconds: of silence.
        cpu_share: of one core that counts as life where CPU time counts.
    """

    seconds: float
    cpu_share: float
    _alive_at: float = 0.0
    _cpu_at: float = 0.0

    def lost(self, now: float, cpu: float, beat_at: float, only_beats: bool) -> bool:
        """Whether there was no sign of life for too long.

        Args:
            now: clock, s.
            cpu: CPU time of this process so far, s.
            beat_at: clock of the last beat, s.
            only_beats: CPU time does not count.
        """
        works = not only_beats and cpu - self._cpu_at >= self.cpu_share * (now - self._alive_at)
        if beat_at > self._alive_at or works:
            self._alive_at, self._cpu_at = (now if works else beat_at), cpu
        return now - self._alive_at > self.seconds


class Heartbeat:
    """The pulse of one attempt. Beating costs a clock reading; threads of its own do the rest.

    Args:
        path: of the file that tells how far the attempt is.
        told: constant fields of that file (stage, model, attempt).
    """

    def __init__(self, path: Path, told: dict[str, str | None]) -> None:
        self._path, self._told = path, told
        self._phase, self._step = "starting", None  # type: tuple[str, int | None]
        self._beat_at, self._only_beats, self._over = time.monotonic(), 0, threading.Event()

    def beat(self, phase: str, step: int | None = None) -> None:
        """A sign of life: what is being done, and which step of it."""
        self._phase, self._step, self._beat_at = phase, step, time.monotonic()

    @contextmanager
    def only_beats(self) -> Iterator[None]:
        """CPU time is no sign of life within."""
        self._only_beats += 1
        try:
            yield
        finally:
            self._only_beats -= 1

    @contextmanager
    def watched(self, interval_s: float, patience: Patience) -> Iterator[None]:
        """Keep the file, and end this process with exit code 75 and every stack when it hangs.

        Only for a process that runs nothing but this stage. Two threads: where the storage hangs, the one
        that writes hangs with it, and the one that judges does not.
        """
        writer = threading.Thread(target=self._keep_file, args=(interval_s,), name="heartbeat", daemon=True)
        judge = threading.Thread(target=self._judge, args=(interval_s, patience), name="watch", daemon=True)
        writer.start()
        judge.start()
        try:
            yield
        finally:
            self._over.set()
            judge.join(interval_s)
            faulthandler.cancel_dump_traceback_later()
            writer.join(interval_s)

    def _judge(self, interval_s: float, patience: Patience) -> None:
        while not self._over.wait(interval_s):
            faulthandler.dump_traceback_later(_BACKSTOP * patience.seconds, exit=True, file=_STDERR)
            silent = patience.lost(time.monotonic(), time.process_time(), self._beat_at, self._only_beats > 0)
            if silent and not self._over.is_set():
                self._end(patience.seconds)

    def _end(self, seconds: float) -> None:
        error = HungError(
            who=f"stage {self._told.get('stage')} in {self._phase!r}, step {self._step}",
            expected=f"a sign of life within {seconds / 60:g} minutes",
            found="none",
            action="nothing if the retry gets further; otherwise keep the stacks above and tell the team",
        )
        faulthandler.dump_traceback(file=_STDERR, all_threads=True)
        print(*error.lines(), sep="\n", file=sys.__stderr__, flush=True)
        tell(failed(error))
        os._exit(error.exit_code)

    def _keep_file(self, interval_s: float) -> None:
        over = False
        while True:
            age = time.monotonic() - self._beat_at
            at = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=age)
            shown = {
                **self._told,
                "phase": self._phase,
                "step": self._step,
                "beat": at.isoformat(timespec="seconds"),
            }
            with contextlib.suppress(StorageError):  # what matters will say so itself
                write_text(self._path, json.dumps(shown, ensure_ascii=False) + "\n")
            if over:
                return
            over = self._over.wait(interval_s)
