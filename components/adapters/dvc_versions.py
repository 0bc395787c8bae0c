"""Versions of ``data/`` with DVC, in-process: `components.core.ports.DataVersions`."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from filelock import FileLock

from components.adapters.dvc_objects import Store, fetch, first_listing, in_parallel, unavailable
from components.adapters.dvc_pointer import Entry, parse_pointer
from components.adapters.git_commit import commit_file
from components.adapters.node_cache import NodeCache
from components.core.errors import ConfigError, CorruptFileError, DataError, IrisError, RetryableError
from components.core.params.data import DvcParams
from components.core.paths import DATA_LOCK
from components.core.ports import DataVersion
from components.core.progress import Progress
from components.core.storage import atomic_folder, write_text

if TYPE_CHECKING:
    from dvc.repo import Repo

IGNORED = "# half-built folders of a killed ingest\n.*.tmp\n.*.old\n*.tmp\n"


@dataclass(frozen=True)
class DvcVersions:
    """Versions of one data folder.

    Attributes:
        dvc_dir: folder that holds ``.dvc``, ``data.dvc`` and the data folder. Without ``.dvc`` (an embedded
            workspace) a repository without git is made there; the project root has one already.
        data_name: name of the data folder.
        local_remote: the remote where ``params.remote_url`` is empty.
        locks: folder of lock files; parallel ``dvc add`` fails, so one lock covers add and push.
    """

    dvc_dir: Path
    data_name: str
    params: DvcParams
    local_remote: Path
    locks: Path

    def add_and_push(self) -> DataVersion:
        """Version the data folder, push it, and re-hash what was stored.

        Objects in a cloud remote are hashed by DVC as they arrive (``verify``); a local remote is read again.

        Raises:
            DataError: there is no data.
            CorruptFileError: a stored object differs from its name.
            RemoteUnavailableError: the remote does not take it; the version stays in the cache.
        """
        data = self.dvc_dir / self.data_name
        if not data.is_dir() or not any(data.iterdir()):
            raise DataError(
                who=str(data),
                expected="a folder with at least one corpus",
                found="nothing",
                action="run `python -m components ingest` first",
            )
        with self._locked(), self._repository() as repository:
            self._drop_half_written(repository)
            with _dvc_errors(f"dvc add {data}"):
                repository.add(str(data))
            version = self.current()
            self._cache(repository).verify(version.md5)
            self._push(repository)
            if not self.params.remote_url:
                self._verify_remote(repository, version.md5)
        if self.params.commit_pointer:
            commit_file(self._pointer, f"data {version.md5} ({version.files} files)")
        return version

    def current(self) -> DataVersion:
        """What ``data.dvc`` names now; read without DVC.

        Raises:
            DataError: no pointer, or not one.
        """
        try:
            text = self._pointer.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(
                who=str(self._pointer),
                expected="a DVC pointer",
                found=f"{type(error).__name__}",
                action="run `python -m components version` first",
            ) from error
        return parse_pointer(text, str(self._pointer))

    def verify(self, version: DataVersion) -> None:
        """Re-hash every object of a version in the cache and in the remote.

        Raises:
            CorruptFileError: the first object that differs or is missing, with its place.
            RemoteUnavailableError: the remote does not answer.
        """
        with self._repository() as repository:
            self._cache(repository).verify(version.md5)
            self._remote(repository).verify(version.md5)

    def restore(self, pointer: str, target: Path) -> DataVersion:
        """Lay out the version that ``pointer`` (the text of a ``data.dvc``) names in the empty ``target``.

        DVC's own checkout is not used: it follows ``../`` in a crafted list and does not re-hash.

        Raises:
            DataError: no pointer, a target with content, or a list that leads outside the target.
            CorruptFileError, RemoteUnavailableError: an object is not to be had.
            In all cases ``target`` is as it was.
        """
        version = parse_pointer(pointer, "the pointer")
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise DataError(
                who=str(target),
                expected="an empty or absent folder",
                found="one with content",
                action="name another --target; nothing was written",
            )
        with self._stores() as stores:
            entries = first_listing(stores, version.md5)
            with atomic_folder(target) as staged:

                def lay_out(entry: Entry) -> None:
                    place = staged / entry.path
                    place.parent.mkdir(parents=True, exist_ok=True)
                    fetch(stores, entry.md5, place)

                in_parallel(lay_out, entries)
                size = sum(path.stat().st_size for path in staged.rglob("*") if path.is_file())
        return replace(version, files=len(entries), size_bytes=size)

    def holding(
        self, version_md5: str, size_bytes: int, node_cache: Path, max_bytes: int, progress: Progress
    ) -> AbstractContextManager[Path]:
        """A version in the cache of this node, for as long as the context lasts; see `NodeCache.holding`.

        DVC's cache (in a pod it lies on the shared claim) is asked before the remote, as in `restore`.
        """
        return NodeCache(node_cache, max_bytes, progress).holding(version_md5, size_bytes, self._stores)

    def address(self, version: DataVersion) -> str:
        """The URL of the version's list of files in the remote."""
        digest = version.md5
        return f"{self._remote_url.rstrip('/')}/files/md5/{digest[:2]}/{digest[2:]}"

    @property
    def _pointer(self) -> Path:
        return self.dvc_dir / f"{self.data_name}.dvc"

    @property
    def _remote_url(self) -> str:
        url = self.params.remote_url
        if urlsplit(url).password:
            raise ConfigError(
                who="data.dvc.remote_url",
                expected="a URL without a password",
                found="one with a password (not shown)",
                action="give credentials by the environment or .dvc/config.local",
            )
        return url or str(self.local_remote)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.locks.mkdir(parents=True, exist_ok=True)
        with FileLock(self.locks / DATA_LOCK):
            yield

    @contextlib.contextmanager
    def _repository(self) -> Iterator[Repo]:
        """The DVC repository with our settings laid over its own; git is left to `commit_file`."""
        from dvc.repo import Repo

        settings = {
            "core": {
                "remote": self.params.remote_name,
                "analytics": False,
                "check_update": False,
                "no_scm": True,
                "site_cache_dir": str(self.dvc_dir / ".dvc" / "tmp" / "site"),
            },
            "remote": {self.params.remote_name: {"url": self._remote_url, "verify": True}},
        }
        with _dvc_errors(f"DVC repository {self.dvc_dir}"):
            if not (self.dvc_dir / ".dvc" / "config").is_file():
                self._make_repository()
            repository = Repo(str(self.dvc_dir), config=settings)
        try:
            yield repository
        finally:
            repository.close()

    def _make_repository(self) -> None:
        from dvc.repo import Repo

        self.dvc_dir.mkdir(parents=True, exist_ok=True)
        with contextlib.redirect_stdout(io.StringIO()):  # its advice is for people who type dvc commands
            repository = Repo.init(str(self.dvc_dir), no_scm=True, force=True)
        with repository.config.edit() as config:
            config["core"].update({"remote": self.params.remote_name, "analytics": False})
            config["remote"][self.params.remote_name] = {"url": self._portable_url, "verify": True}
        repository.close()
        write_text(self.dvc_dir / ".dvcignore", IGNORED)

    @property
    def _portable_url(self) -> str:
        """A folder relative to DVC's configuration, which DVC can write in ASCII only: ``/시연/…`` fails."""
        if self.params.remote_url:
            return self.params.remote_url
        return os.path.relpath(self.local_remote, self.dvc_dir / ".dvc")

    def _drop_half_written(self, repository: Repo) -> None:
        """What a killed DVC leaves and then trips over: it writes all three in place.

        Its list of what a version holds is taken for whole: a push by half a list stores half the files and
        then the version's name, which says that all are there. It is made anew from the pointer.

        DVC frees what a process locked that is dead. In a pod every process is number 1, so a killed one
        seems to live on in the next; this process holds no lock of DVC's yet.
        """
        shutil.rmtree(Path(repository.site_cache_dir) / "index" / "data", ignore_errors=True)
        rwlock = self.dvc_dir / ".dvc" / "tmp" / "rwlock"
        with contextlib.suppress(FileNotFoundError):
            try:
                held = json.loads(rwlock.read_text(encoding="utf-8"))
                infos = [*held.get("write", {}).values(), *chain(*held.get("read", {}).values())]
                if any(int(info["pid"]) == os.getpid() for info in infos):
                    rwlock.unlink()
            except (ValueError, KeyError, TypeError, AttributeError):
                rwlock.unlink()
        if self._pointer.exists():
            try:
                self.current()
            except DataError:
                self._pointer.unlink()

    def _verify_remote(self, repository: Repo, md5: str) -> None:
        remote = self._remote(repository)
        try:
            remote.verify(md5)
        except CorruptFileError:
            remote.forget(md5)  # DVC takes a version whose list is there for whole and would push nothing
            raise

    def _push(self, repository: Repo) -> None:
        try:
            repository.push([str(self._pointer)], remote=self.params.remote_name)
        except Exception as error:  # every storage client raises errors of its own
            raise unavailable(self._remote_label, error) from error

    @property
    def _remote_label(self) -> str:
        return f"DVC remote {self.params.remote_name!r} ({self._remote_url})"

    @contextlib.contextmanager
    def _stores(self) -> Iterator[tuple[Store, Store]]:
        with self._repository() as repository:
            yield self._cache(repository), self._remote(repository)

    def _cache(self, repository: Repo) -> Store:
        return Store("DVC cache", repository.cache.local)

    def _remote(self, repository: Repo) -> Store:
        try:
            return Store(self._remote_label, repository.cloud.get_remote_odb(self.params.remote_name))
        except Exception as error:  # a missing client, bad credentials, a bad URL
            raise unavailable(self._remote_label, error) from error


@contextlib.contextmanager
def _dvc_errors(who: str) -> Iterator[None]:
    """DVC's errors in our words."""
    from dvc.config import ConfigError as DvcConfigError
    from dvc.exceptions import DvcException
    from dvc.lock import LockError

    def told(kind: type[IrisError], expected: str, error: Exception, action: str) -> IrisError:
        return kind(who=who, expected=expected, found=" ".join(str(error).split())[:300], action=action)

    try:
        yield
    except LockError as error:
        raise told(RetryableError, "the DVC lock", error, "wait for the other DVC process") from error
    except DvcConfigError as error:
        raise told(ConfigError, "a valid .dvc/config", error, "mend .dvc/config") from error
    except DvcException as error:
        raise told(DataError, "DVC to do this", error, "mend what DVC names; data is untouched") from error
