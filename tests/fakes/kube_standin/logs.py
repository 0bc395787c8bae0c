"""What a container wrote: lines with the moment they came, read again or followed."""

from __future__ import annotations

import datetime
import os
import threading
from collections.abc import Callable, Iterator

_POLL_S = 0.2
_MESSAGE_BYTES = 2048
Line = tuple[datetime.datetime, bytes]


class ContainerLog:
    """Filled from a pipe by a thread of its own; observers see each line as it comes."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._observers: list[Callable[[str], None]] = []
        self._grown = threading.Condition()
        self._closed = False

    def attach(self) -> int:
        """The writing end of a fresh pipe, whose lines end up here until the last writer closes it."""
        reading, writing = os.pipe()
        threading.Thread(target=self._pump, args=(reading,), daemon=True).start()
        return writing

    def observe(self, observer: Callable[[str], None]) -> None:
        """Call ``observer`` with every line, earlier ones included; it must not wait for anything."""
        with self._grown:
            for _, line in self.lines:
                observer(line.decode("utf-8", "replace"))
            self._observers.append(observer)

    def wait_closed(self, timeout_s: float) -> bool:
        """Whether the last writer has gone within the time."""
        with self._grown:
            return self._grown.wait_for(lambda: self._closed, timeout_s)

    def text(self) -> str:
        """All of it."""
        return b"".join(line for _, line in self.lines).decode("utf-8", "replace")

    def tail(self) -> str:
        """What a termination message falls back to."""
        return self.text()[-_MESSAGE_BYTES:]

    def read(
        self,
        follow: bool,
        since: datetime.datetime | None,
        stamped: bool,
        last: int | None,
        ended: Callable[[], bool],
    ) -> Iterator[bytes]:
        """The last ``last`` lines if later than ``since``; with ``follow``, until the writer is gone."""
        at = max(0, len(self.lines) - last) if last is not None else 0
        while True:
            with self._grown:
                if follow and at == len(self.lines) and not self._closed:
                    self._grown.wait(_POLL_S)
                fresh, at = self.lines[at:], len(self.lines)
                done = self._closed or not follow
            for moment, line in fresh:
                if since is None or moment >= since:
                    yield (moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ ").encode() if stamped else b"") + line
            if (done and at == len(self.lines)) or ended():
                return

    def _pump(self, reading: int) -> None:
        with os.fdopen(reading, "rb") as pipe:
            for line in pipe:
                with self._grown:
                    self.lines.append((datetime.datetime.now(datetime.UTC), line))
                    self._grown.notify_all()
                    for observer in self._observers:
                        observer(line.decode("utf-8", "replace"))
        with self._grown:
            self._closed = True
            self._grown.notify_all()
