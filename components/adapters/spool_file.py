"""One run's waiting entries on disk: appended by the work, read by the sender, gone when all is sent."""

from __future__ import annotations

import fcntl
import json
import shutil
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from components.core.errors import StorageError
from components.core.storage import write_json

_HEADER, _ENTRIES, _SENT, _LOCK = "header.json", "entries.jsonl", "sent.json", "lock"

Entry = Mapping[str, Any]


class SpoolFile:
    """A folder with a header (which run), JSON lines, and how many of their bytes have been sent.

    Its lock is held for as long as a process writes here, so a free lock means that the writer is dead and
    what waits may be taken over. A line that a kill cut short is removed on taking over.
    """

    def __init__(self, folder: Path, lock: Any) -> None:
        self.folder, self._lock = folder, lock
        self.header: dict[str, Any] = json.loads((folder / _HEADER).read_text(encoding="utf-8"))
        self._writing = threading.Lock()
        sent = folder / _SENT
        self._sent: int = json.loads(sent.read_text(encoding="utf-8"))["bytes"] if sent.exists() else 0
        self._cut_torn_line()

    @classmethod
    def create(cls, root: Path, header: Mapping[str, Any]) -> Self:
        """A new spool below ``root``; its name is the token that its run is tagged with."""
        folder = root / uuid.uuid4().hex
        folder.mkdir(parents=True)
        lock = (folder / _LOCK).open("a")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        write_json(folder / _HEADER, dict(header))
        return cls(folder, lock)

    @classmethod
    def abandoned(cls, root: Path) -> Iterator[Self]:
        """Spools whose writer is dead, each now held by us; `release` those you do not want."""
        for header in sorted(root.glob(f"*/{_HEADER}")):
            lock = (header.parent / _LOCK).open("a")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            if header.exists():
                yield cls(header.parent, lock)
            else:  # its last holder finished between our looking and our locking
                lock.close()

    @property
    def token(self) -> str:
        """Names this spool, also on the server."""
        return self.folder.name

    def remember(self, **values: Any) -> None:
        """Change the header on disk."""
        self.header |= values
        write_json(self.folder / _HEADER, self.header)

    def append(self, entries: Sequence[Entry]) -> None:
        """Add entries; they survive the death of this process.

        Raises:
            StorageError: no space or no permission.
        """
        text = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
        try:
            with self._writing, (self.folder / _ENTRIES).open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise StorageError(
                who=str(self.folder),
                expected="room for the points that wait for the tracking server",
                found=str(error.strerror or error),
                action="free space or mend the permissions, then run again",
            ) from error

    def waiting(self, limit: int) -> tuple[list[Entry], int]:
        """The next entries, at most ``limit``, and the mark that says they are sent."""
        entries: list[Entry] = []
        path = self.folder / _ENTRIES
        mark = self._sent
        if path.exists():
            with self._writing, path.open("rb") as file:
                file.seek(mark)
                while len(entries) < limit and (line := file.readline()).endswith(b"\n"):
                    entries.append(json.loads(line))
                    mark = file.tell()
        return entries, mark

    def sent_up_to(self, mark: int) -> None:
        """Everything before ``mark`` has arrived."""
        write_json(self.folder / _SENT, {"bytes": mark})
        self._sent = mark

    def entries(self) -> list[Entry]:
        """Every entry ever appended, sent or not."""
        path = self.folder / _ENTRIES
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    def release(self) -> None:
        """Let another process take over what waits."""
        self._lock.close()

    def remove(self) -> None:
        """Everything has arrived."""
        (self.folder / _HEADER).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()

    def _cut_torn_line(self) -> None:
        path = self.folder / _ENTRIES
        if not path.exists():
            return
        with path.open("r+b") as file:
            file.truncate(file.read().rfind(b"\n") + 1)
