"""The promotion lease: one promoter at a time, and whoever waits learns for whom."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from components.core.errors import PromotionConflictError, StorageError


@dataclass(frozen=True)
class Lease:
    """An advisory lock on a file that every promoter of a workspace can reach.

    The kernel gives it back when its holder dies, so a crash leaves no stale lease. Promoters on several
    nodes need a shared volume whose file system carries locks between nodes (NFSv4, CephFS).

    Attributes:
        path: the lock file.
        who: the holder, as the others will read it.
        timeout_s: how long to wait for another holder.
    """

    path: Path
    who: str
    timeout_s: float

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lease for the block.

        Raises:
            PromotionConflictError: another promotion held it for longer than ``timeout_s``.
            StorageError: the lock file cannot be made.
        """
        lock = FileLock(self.path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=self.timeout_s)
        except Timeout as error:
            raise self._conflict() from error
        except OSError as error:
            raise StorageError(
                who=str(self.path),
                expected="a writable lock file",
                found=f"{type(error).__name__} ({error.strerror or error})",
                action="mend the permissions, then promote again; nothing was changed",
            ) from error
        try:
            with suppress(OSError):  # who holds it is a courtesy, the lock is what counts
                self._owner.write_text(
                    f"{self.who}, process {os.getpid()} on {socket.gethostname()}\n", "utf-8"
                )
            yield
        finally:
            self._owner.unlink(missing_ok=True)
            lock.release()

    @property
    def _owner(self) -> Path:
        return self.path.with_suffix(".owner")

    def _conflict(self) -> PromotionConflictError:
        try:
            owner = self._owner.read_text("utf-8").strip()
        except OSError:
            owner = "a process that has not said who it is"
        return PromotionConflictError(
            who="promotion lease",
            expected=f"to be free within {self.timeout_s:g} s",
            found=f"held by {owner}",
            action="wait for that promotion to end and run again; nothing was changed",
        )
