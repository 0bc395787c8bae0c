"""Files that are either whole or not there: temporary name, fsync, rename; and the hashes that tell."""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.core.errors import StorageError
from components.core.stop import uninterrupted

_DISK_FAULTS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR})


@contextmanager
def atomic_file(path: Path, mode: int = 0o644) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it is fsynced and renamed over ``path``.

    On any error the temporary file is removed and the previous ``path`` stays as it was. ``mode`` is the
    file's permission; until then only its owner can read it.

    Raises:
        StorageError: the folder is read-only, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:80]}.", suffix=".tmp", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise _storage_error(path, error) from error
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(mode)
        _fsync(temporary)
        temporary.replace(path)
        _fsync(path.parent)
    except OSError as error:
        raise _storage_error(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``path``; on success it takes ``path``'s place.

    A folder cannot be renamed over a full one, so the old folder is moved aside first and deleted last:
    a crash in between leaves either the old folder, or the new one, under ``path`` or ``path``.old.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name[:80]}.", suffix=".tmp", dir=path.parent))
    except OSError as error:
        raise _storage_error(path, error) from error
    aside = path.with_name(f".{path.name}.old")
    try:
        yield temporary
        temporary.chmod(0o755)
        for file in temporary.rglob("*"):
            if file.is_file():
                _fsync(file)
        if path.exists():
            shutil.rmtree(aside, ignore_errors=True)
        with uninterrupted():
            if path.exists():
                path.rename(aside)
            temporary.rename(path)
        _fsync(path.parent)
        shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise _storage_error(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def disk_faults_told(place: Path) -> Iterator[None]:
    """Say of an OSError from inside, wherever it comes from, what a person can do about the disk.

    Args:
        place: what is named where the error itself names no file.

    Raises:
        StorageError: no space, no permission, read-only, or a file where a folder should be.
        OSError: any other, as it was.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_FAULTS:
            raise
        raise _storage_error(Path(os.fsdecode(error.filename or place)), error) from error


def recover_folder(path: Path) -> None:
    """Tidy up after a run that was killed within `atomic_folder`; for the folder's only writer.

    Brings the set-aside folder back if the new one had not taken its place, and deletes half-written ones.
    """
    aside = path.with_name(f".{path.name}.old")
    if aside.exists() and not path.exists():
        aside.rename(path)
    for half_written in path.parent.glob(f".{glob.escape(path.name[:80])}.*.tmp"):
        shutil.rmtree(half_written, ignore_errors=True)


def clear_half_written(folder: Path) -> None:
    """Delete what killed writers left within a folder, files and folders; for its only writer."""
    for left in folder.glob(".*.tmp"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically: sorted keys, no NaN (a NaN in a record is a defect), readable Hangul."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False) + "\n")


def append_line(path: Path, line: str) -> None:
    """Append one line and fsync it; a reader never sees half a line under a single writer."""
    if "\n" in line:
        raise ValueError("append_line takes one line")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _storage_error(path, error) from error


def sha256_bytes(data: bytes) -> str:
    """Hex sha256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def sha256_json(value: Any) -> str:
    """Hex sha256 of the canonical JSON of ``value``."""
    return sha256_bytes(
        json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")
    )


def sha256_path(path: Path) -> str:
    """Hex sha256 of a file, or of a folder as the hash of its sorted (relative name, file hash) pairs."""
    if path.is_dir():
        digest = hashlib.sha256()
        for file in sorted(p for p in path.rglob("*") if p.is_file() and not p.name.endswith(".tmp")):
            digest.update(f"{file.relative_to(path).as_posix()}\0{sha256_path(file)}\n".encode())
        return digest.hexdigest()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _storage_error(path: Path, error: OSError) -> StorageError:
    return StorageError(
        who=str(path),
        expected="a writable place with free space",
        found=f"{type(error).__name__} ({error.strerror or error})",
        action="free space or mend the permissions, then run again; the previous file is untouched",
    )
