"""Objects of DVC's cache and remote, each re-hashed as it is read; DVC says "up to date" to a bit flip."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.adapters.dvc_pointer import Entry, parse_listing
from components.core.errors import CorruptFileError, RemoteUnavailableError

if TYPE_CHECKING:
    from dvc_data.hashfile.db import HashFileDB

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Store:
    """One place that holds objects by their md5: the cache, or a remote."""

    label: str
    database: HashFileDB

    def stream(self, oid: str, sink: Callable[[bytes], Any]) -> None:
        """Pass the object's bytes to ``sink`` and compare their md5 with its name at the end.

        Raises:
            FileNotFoundError: this place does not hold it.
            CorruptFileError: its bytes are others than its name says.
            RemoteUnavailableError: the place does not answer.
        """
        digest = hashlib.md5(usedforsecurity=False)
        path = self.database.oid_to_path(oid)
        for chunk in self._chunks(path):
            digest.update(chunk)
            sink(chunk)
        if digest.hexdigest() != oid.removesuffix(".dir"):
            raise CorruptFileError(
                who=f"{self.label}: object {path}",
                expected=f"bytes with md5 {oid}",
                found=f"md5 {digest.hexdigest()}",
                action="delete this object, then run `python -m components version` to store it again",
            )

    def listing(self, oid: str) -> tuple[Entry, ...]:
        """The files of folder version ``oid``.

        Raises:
            FileNotFoundError, CorruptFileError, RemoteUnavailableError: as `stream`.
            DataError: a list that is unsafe to lay out.
        """
        content = bytearray()
        self.stream(oid, content.extend)
        return parse_listing(bytes(content), who=f"{self.label}: {oid}")

    def verify(self, version_md5: str) -> None:
        """Re-hash every object of a version.

        Raises:
            CorruptFileError: the first object that is missing or whose bytes differ.
            RemoteUnavailableError: the place does not answer.
        """

        def check(oid: str) -> None:
            try:
                self.stream(oid, len)
            except FileNotFoundError as error:
                raise self._missing(oid) from error

        try:
            entries = self.listing(version_md5)
        except FileNotFoundError as error:
            raise self._missing(version_md5) from error
        in_parallel(check, sorted({entry.md5 for entry in entries}))

    def forget(self, version_md5: str) -> None:
        """Remove the list of a version, and only it; absent is fine."""
        with contextlib.suppress(FileNotFoundError):
            self.database.fs.remove(self.database.oid_to_path(version_md5))

    def _chunks(self, path: str) -> Iterator[bytes]:
        try:
            with self.database.fs.open(path, "rb") as file:
                while chunk := file.read(_CHUNK_BYTES):
                    yield chunk
        except FileNotFoundError:
            raise
        except Exception as error:  # every storage client raises errors of its own
            raise unavailable(self.label, error) from error

    def _missing(self, oid: str) -> CorruptFileError:
        return CorruptFileError(
            who=f"{self.label}: object {self.database.oid_to_path(oid)}",
            expected=f"bytes with md5 {oid}",
            found="no such object",
            action="run `python -m components version` where the data is, to store it again",
        )


def fetch(stores: Iterable[Store], oid: str, target: Path) -> None:
    """Write object ``oid`` to ``target`` from the first store whose copy is sound.

    Raises:
        CorruptFileError: no store has a sound copy.
        RemoteUnavailableError: a store does not answer and no other had it.
    """
    problem: Exception | None = None
    for store in stores:
        try:
            with target.open("wb") as file:
                store.stream(oid, file.write)
        except (CorruptFileError, RemoteUnavailableError, FileNotFoundError) as error:
            problem = error if problem is None or isinstance(problem, FileNotFoundError) else problem
        else:
            return
    if isinstance(problem, CorruptFileError | RemoteUnavailableError):
        raise problem
    raise absent(oid)


def first_listing(stores: Iterable[Store], oid: str) -> tuple[Entry, ...]:
    """The files of version ``oid`` from the first store that has a sound list.

    Raises:
        CorruptFileError, RemoteUnavailableError: as `fetch`.
        DataError: a list that is unsafe to lay out.
    """
    problem: Exception | None = None
    for store in stores:
        try:
            return store.listing(oid)
        except FileNotFoundError:
            continue
        except (CorruptFileError, RemoteUnavailableError) as error:
            problem = problem or error
    raise problem or absent(oid)


def in_parallel(
    work: Callable[[Any], None], items: Iterable[Any], told: Callable[[int, int], None] | None = None
) -> None:
    """Do ``work`` on every item with threads (it waits for disks and networks); the first error is raised.

    ``told`` hears, in this thread, how many of how many are done.
    """
    with ThreadPoolExecutor() as threads:
        pending = [threads.submit(work, item) for item in items]
        for count, done in enumerate(pending, start=1):
            try:
                done.result()
            except BaseException:
                threads.shutdown(wait=True, cancel_futures=True)
                raise
            if told is not None:
                told(count, len(pending))


def absent(oid: str) -> CorruptFileError:
    """The error for an object that neither cache nor remote holds."""
    return CorruptFileError(
        who=f"data object {oid}",
        expected="in the DVC cache or the remote",
        found="in neither",
        action="check data.dvc.remote_url in params.yaml, or push the data from where it is",
    )


def unavailable(label: str, error: Exception) -> RemoteUnavailableError:
    """The error for a cache or remote that does not answer, with its name."""
    return RemoteUnavailableError(
        who=label,
        expected="an answer from the storage",
        found=f"{type(error).__name__}: {' '.join(str(error).split())[:300]}",
        action="check network, credentials and data.dvc.remote_url, then run again; nothing is lost",
    )
