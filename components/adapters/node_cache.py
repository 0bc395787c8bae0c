"""Data versions on a node, shared by its pods: fetched once, hard-linked, bounded, hashed before each use.

Layout, all on one local file system::

    files/md5/ab/cdef…   objects, as DVC's own cache names them, 0444
    versions/<md5>.dir/  one read-only tree a version, of hard links to the objects
    locks/               one file a version, held by its readers; its time is the version's last use
    tmp/                 what is not whole yet

``dvc pull`` and ``dvc checkout`` are not used: they follow ``../`` in a crafted list and call a flipped bit
up to date. Objects come through DVC's storage clients, each re-hashed as it arrives (`dvc_objects`).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from components.adapters import hard_links
from components.adapters.dvc_objects import Store, fetch, in_parallel
from components.adapters.dvc_pointer import Entry, parse_listing
from components.core import file_lock
from components.core.errors import ConfigError, DataError, StorageError
from components.core.progress import Progress

_VERSION = re.compile(r"[0-9a-f]{32}\.dir")
_GB = 1e9

Sources = Callable[[], AbstractContextManager[Sequence[Store]]]


@dataclass(frozen=True)
class NodeCache:
    """The cache in folder ``root``, of at most ``max_bytes`` of objects."""

    root: Path
    max_bytes: int
    progress: Progress

    @contextmanager
    def holding(self, version_md5: str, size_bytes: int, sources: Sources) -> Iterator[Path]:
        """The version's folder, whole and hashed; it is not evicted while this lasts.

        Several processes that want the same version fetch it once: the others wait, then find it. What a
        killed one had fetched is not fetched again.

        Args:
            version_md5: ``<32 hex>.dir``.
            size_bytes: what the version's pointer says; room is made for it beforehand.
            sources: opens the stores to fetch from; called only if something is missing.

        Raises:
            DataError: no md5, or a list that leads outside its folder; nothing is laid out then.
            ConfigError: the version alone is larger than the cache may be.
            StorageError: the room is taken by versions in use.
            CorruptFileError, RemoteUnavailableError: an object is not to be had.
            EnvironmentFaultError: the file system has no hard links.
        """
        self._check_wish(version_md5, size_bytes)
        tree, lock = self._tree(version_md5), self._lock(version_md5)
        with file_lock.shared(lock):
            os.utime(lock)
            if not self._is_whole(version_md5):
                with file_lock.alone(self.root / "locks" / "writing.lock", self._tell_waiting):
                    self._complete(version_md5, size_bytes, sources)
            try:
                yield tree
            finally:
                os.utime(lock)

    def _is_whole(self, version_md5: str) -> bool:
        entries = self._listing(version_md5)
        if entries is None or not hard_links.is_laid_out(self._tree(version_md5), entries, self._object):
            return False
        return not self._unsound(entries)

    def _complete(self, version_md5: str, size_bytes: int, sources: Sources) -> None:
        """Fetch what is missing or damaged and lay the version out; only ever one process does this."""
        scratch = self.root / "tmp"
        shutil.rmtree(scratch, ignore_errors=True)  # of a process that was killed: nobody else writes here
        scratch.mkdir(parents=True)
        entries = self._listing(version_md5)
        unsound = self._unsound(entries) if entries is not None else []
        if entries is None or unsound:
            with sources() as stores:
                if entries is None:
                    entries = self._fetch_listing(stores, version_md5)
                    unsound = self._unsound(entries)
                self._make_room(version_md5, entries, unsound, size_bytes)
                self._fetch(stores, unsound)
        hard_links.lay_out(self._tree(version_md5), entries, self._object, scratch)

    def _listing(self, version_md5: str) -> tuple[Entry, ...] | None:
        """The version's files, None where its list is absent or damaged."""
        path = self._object(version_md5)
        if not path.is_file() or _md5(path) != version_md5.removesuffix(".dir"):
            return None
        return parse_listing(path.read_bytes(), who=f"node cache: {version_md5}")

    def _fetch_listing(self, stores: Sequence[Store], version_md5: str) -> tuple[Entry, ...]:
        arrived = self.root / "tmp" / version_md5
        fetch(stores, version_md5, arrived)
        entries = parse_listing(arrived.read_bytes(), who=f"data version {version_md5}")
        self._keep(arrived, version_md5)
        return entries

    def _unsound(self, entries: Sequence[Entry]) -> list[str]:
        """The md5 of every object that is absent or has other bytes; a sound one is made read-only."""
        wanted = sorted({entry.md5 for entry in entries})
        found: list[str] = []

        def check(md5: str) -> None:
            path = self._object(md5)
            if path.is_file() and _md5(path) == md5:
                hard_links.make_read_only(path)
            else:
                found.append(md5)

        in_parallel(check, wanted, self._bar("files hashed"))
        return sorted(found)

    def _fetch(self, stores: Sequence[Store], objects: Sequence[str]) -> None:
        """Every object on its own: what is here stays here when this is killed."""
        used, counting = self._used(), threading.Lock()

        def bring(md5: str) -> None:
            nonlocal used
            arrived = self.root / "tmp" / md5
            fetch(stores, md5, arrived)
            with counting:
                used += arrived.stat().st_size
                if used > self.max_bytes:  # the pointer had told a smaller size
                    raise self._full("what arrives")
            self._keep(arrived, md5)

        in_parallel(bring, objects, self._bar("files fetched"))
        self.progress.say(f"{len(objects)} files fetched into the node cache, {used / _GB:.2f} GB in it")

    def _keep(self, arrived: Path, oid: str) -> None:
        place = self._object(oid)
        place.parent.mkdir(parents=True, exist_ok=True)
        arrived.chmod(hard_links.FILE_MODE)
        arrived.replace(place)

    def _make_room(
        self, version_md5: str, entries: Sequence[Entry], unsound: Sequence[str], size_bytes: int
    ) -> None:
        """Drop what nobody holds, least recently used first, until the version fits."""
        for md5 in unsound:
            self._object(md5).unlink(missing_ok=True)
        wanted = {entry.md5 for entry in entries}
        here = sum(path.stat().st_size for md5 in wanted if (path := self._object(md5)).is_file())
        kept = {version_md5, *wanted}
        missing = max(0, size_bytes - here)
        if self._used() + missing <= self.max_bytes:
            return
        self._drop_unlinked(kept)
        for other in self._least_recent_first():
            if self._used() + missing <= self.max_bytes:
                return
            if other != version_md5:
                self._evict(other, kept)
        if self._used() + missing > self.max_bytes:
            raise self._full(f"{missing / _GB:.2f} GB more")

    def _evict(self, version_md5: str, kept: set[str]) -> None:
        with file_lock.alone_or_not(self._lock(version_md5)) as free:
            if not free:
                return
            hard_links.remove(self._tree(version_md5))
        self._drop_unlinked(kept)
        self.progress.say(f"evicted data version {version_md5} from the node cache")

    def _drop_unlinked(self, kept: set[str]) -> None:
        """Objects of no tree: of evicted versions, and of a fetch that was given up."""
        trees = set(self._least_recent_first())
        for path in self._objects():
            oid = path.parent.name + path.name
            linked = oid in trees if oid.endswith(".dir") else path.stat().st_nlink > 1
            if not linked and oid not in kept:
                path.unlink()

    def _least_recent_first(self) -> list[str]:
        names = [path.name for path in (self.root / "versions").glob("*.dir")]
        return sorted(names, key=lambda name: (self._last_use(name), name))

    def _last_use(self, version_md5: str) -> float:
        lock = self._lock(version_md5)
        return lock.stat().st_mtime if lock.exists() else 0.0

    def _used(self) -> int:
        return sum(path.stat().st_size for path in self._objects())

    def _objects(self) -> list[Path]:
        return [path for path in (self.root / "files" / "md5").glob("??/*") if path.is_file()]

    def _object(self, oid: str) -> Path:
        return self.root / "files" / "md5" / oid[:2] / oid[2:]

    def _tree(self, version_md5: str) -> Path:
        return self.root / "versions" / version_md5

    def _lock(self, version_md5: str) -> Path:
        return self.root / "locks" / f"{version_md5}.lock"

    def _bar(self, what: str) -> Callable[[int, int], None]:
        started = time.monotonic()
        return lambda done, total: self.progress.update(done, total, started, f"{done}/{total} {what}")

    def _tell_waiting(self) -> None:
        self.progress.say("another process is fetching data on this node; waiting for it")

    def _check_wish(self, version_md5: str, size_bytes: int) -> None:
        if not _VERSION.fullmatch(version_md5):
            raise DataError(
                who="data version",
                expected="32 hexadecimal digits and .dir",
                found=repr(version_md5[:60]),
                action="run `python -m components version` again; nothing was fetched",
            )
        if size_bytes > self.max_bytes:
            raise ConfigError(
                who=f"data version {version_md5}",
                expected=f"at most {self.max_bytes / _GB:.2f} GB, the bound of the node cache",
                found=f"{size_bytes / _GB:.2f} GB",
                action="raise platform.kubernetes.node_cache.max_gib (and the volume behind it)",
            )

    def _full(self, what: str) -> StorageError:
        return StorageError(
            who=f"node cache {self.root}",
            expected=f"room for {what} within {self.max_bytes / _GB:.2f} GB",
            found=f"{self._used() / _GB:.2f} GB in it, of versions in use or of this one",
            action="wait for the pods that use them, or raise platform.kubernetes.node_cache.max_gib",
        )


def _md5(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
