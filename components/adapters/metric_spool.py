"""Sends a spool in the background: a dead, slow or hanging server costs no time and loses no point."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from components.adapters.spool_file import Entry, SpoolFile
from components.core.errors import TrackingUnavailableError
from components.core.storage import append_line

_LOG = logging.getLogger(__name__)

_NO_TROUBLE = "no answer yet"

POINT = "point"
#: MLflow's limit on one log_batch.
POINTS_PER_BATCH = 1000


class RefusedError(Exception):
    """The server will never take this entry; trying again is pointless."""


class Sink(Protocol):
    """Where entries go. Anything raised but `RefusedError` means: fate unknown, try again."""

    def run_id(self, token: str, header: Entry) -> str:
        """The run of that token, created if the server does not have it."""

    def send(self, run_id: str, entries: Sequence[Entry]) -> None:
        """Deliver points (any number up to `POINTS_PER_BATCH`) or one entry of another kind.

        Sending the same points again, after an error, must not double them.
        """


class Spool:
    """Takes entries at once and empties itself into a sink from a thread of its own.

    Args:
        file: where entries wait; this object owns it from now on.
        sink: used from the thread only.
        interval_s: between two sendings, and between two tries.
        patience_s: how long `run_id` waits for a run to be created.
    """

    def __init__(self, file: SpoolFile, sink: Sink, interval_s: float, patience_s: float) -> None:
        self._file, self._sink = file, sink
        self._interval_s, self._patience_s = interval_s, patience_s
        self._run_id: str | None = file.header.get("run_id")
        self._known, self._wake, self._closing = threading.Event(), threading.Event(), threading.Event()
        self._deadline = float("inf")
        self._trouble = _NO_TROUBLE
        if self._run_id:
            self._known.set()
        self._thread = threading.Thread(target=self._work, name="spool", daemon=True)
        self._thread.start()

    @property
    def run_id(self) -> str:
        """The run's id.

        Raises:
            TrackingUnavailableError: the server has not created it so far.
        """
        self._known.wait(self._patience_s)
        if self._run_id is None:
            raise TrackingUnavailableError(
                who="tracking server",
                expected=f"to create a run within {self._patience_s:g} s",
                found=self._trouble,
                action="bring it back and run again; every point waits in the spool",
            )
        return self._run_id

    def add(self, entries: Sequence[Entry]) -> None:
        """Queue entries; never waits for the server."""
        self._file.append(entries)

    def drain(self, within_s: float) -> None:
        """Send what waits and end, within ``within_s``, without anybody waiting for it."""
        self._deadline = time.monotonic() + within_s
        self._closing.set()
        self._wake.set()

    def close(self, within_s: float) -> bool:
        """`drain`, waiting for it; True when all of it arrived.

        What has not arrived stays on disk, for whoever opens the spool folder next.
        """
        self.drain(within_s)
        self._thread.join(within_s + self._interval_s)  # its last pause may outlast the deadline
        return not self._file.folder.exists()

    def _work(self) -> None:
        pause = 0.0
        while True:
            self._wake.wait(pause)
            self._wake.clear()
            arrived = self._try_to_send()
            if self._closing.is_set():
                if arrived and not self._file.waiting(1)[0]:
                    self._file.remove()
                    return
                if time.monotonic() >= self._deadline:
                    self._file.release()
                    return
            pause = self._interval_s

    def _try_to_send(self) -> bool:
        try:
            if self._run_id is None:
                self._run_id = self._sink.run_id(self._file.token, self._file.header)
                self._file.remember(run_id=self._run_id)
                self._known.set()
            while batch := self._next_batch():
                entries, mark = batch
                self._send(self._run_id, entries)
                self._file.sent_up_to(mark)
        except Exception as error:  # noqa: BLE001 - a thread that dies silently would lose every later point
            trouble = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            if trouble != self._trouble:  # once an outage, not once a try
                _LOG.warning("tracking server: %s; entries wait in %s", trouble, self._file.folder)
            self._trouble = trouble
            return False
        self._trouble = _NO_TROUBLE
        return True

    def _next_batch(self) -> tuple[list[Entry], int] | None:
        entries, mark = self._file.waiting(POINTS_PER_BATCH)
        if not entries:
            return None
        points = next((i for i, entry in enumerate(entries) if entry["kind"] != POINT), len(entries))
        if points == len(entries):
            return entries, mark
        return self._file.waiting(max(1, points))

    def _send(self, run_id: str, entries: Sequence[Entry]) -> None:
        try:
            self._sink.send(run_id, entries)
        except RefusedError as error:
            if len(entries) > 1:  # one of them spoils the batch: find it
                for entry in entries:
                    self._send(run_id, [entry])
                return
            _LOG.warning("the tracking server refuses an entry for good: %s", error)
            refused = {"run_id": run_id, "reason": str(error), "entry": dict(entries[0])}
            append_line(self._file.folder.parent / "refused.jsonl", json.dumps(refused, ensure_ascii=False))
