"""A read-only folder made of hard links to stored objects, so that many versions share one copy of a file.

A file of the folder *is* its object (the same inode): it takes no space of its own, and an object whose link
count is one stands in no folder. Folders are 0555 and files 0444: nobody writes here by accident.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from components.adapters.dvc_pointer import Entry
from components.core.errors import EnvironmentFaultError

FILE_MODE, FOLDER_MODE = 0o444, 0o555
_OPEN_FOLDER_MODE = 0o755
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.EXDEV, errno.ENOSYS})

ObjectPath = Callable[[str], Path]


def is_laid_out(tree: Path, entries: Sequence[Entry], object_path: ObjectPath) -> bool:
    """Whether ``tree`` holds exactly ``entries``, each as a link to its object."""
    wanted = {tree / entry.path: entry.md5 for entry in entries}
    return set(_files(tree)) == set(wanted) and all(
        _same_file(path, object_path(md5)) for path, md5 in wanted.items()
    )


def lay_out(tree: Path, entries: Sequence[Entry], object_path: ObjectPath, scratch: Path) -> None:
    """Make ``tree`` hold exactly ``entries``, file by file: somebody may be reading in it.

    Args:
        tree: absent, half made, damaged or whole.
        entries: checked (`components.adapters.dvc_pointer.parse_listing`).
        object_path: md5 → its object, which is there and sound.
        scratch: a folder on the same file system, for links that are not in place yet.

    Raises:
        EnvironmentFaultError: the file system has no hard links.
        OSError: no space, no permission.
    """
    wanted = {tree / entry.path: entry.md5 for entry in entries}
    open_folders(tree)
    for stray in set(_files(tree)) - set(wanted):
        stray.unlink()
    for path, md5 in wanted.items():
        if _same_file(path, object_path(md5)):
            continue
        if path.is_dir():  # empty by now: what was in it was stray
            shutil.rmtree(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        link = scratch / f"{md5}.link"
        link.unlink(missing_ok=True)
        _link(object_path(md5), link)
        link.replace(path)
        link.unlink(missing_ok=True)  # a rename onto another link of the same file does nothing
    for folder in _folders(tree):
        folder.chmod(FOLDER_MODE)


def remove(tree: Path) -> None:
    """Delete a tree; absent is fine."""
    open_folders(tree)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(tree)


def make_read_only(path: Path) -> None:
    """Take write permission off a file that has it (Kubernetes' fsGroup gives it to the group)."""
    if path.stat().st_mode & _WRITABLE:
        path.chmod(FILE_MODE)


def open_folders(tree: Path) -> None:
    """Let the owner change what lies in the folders of ``tree``."""
    for folder in _folders(tree):
        folder.chmod(_OPEN_FOLDER_MODE)


def _link(target: Path, link: Path) -> None:
    try:
        os.link(target, link)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        raise EnvironmentFaultError(
            who=f"node cache {link.parent.parent}",
            expected="a local file system with hard links (ext4, xfs)",
            found=f"{error.strerror} on linking {target.name}",
            action="give the node cache such a volume, or set platform.kubernetes.node_cache.volume to none",
        ) from error


def _same_file(path: Path, other: Path) -> bool:
    try:
        mine, its = path.lstat(), other.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return stat.S_ISREG(mine.st_mode) and (mine.st_dev, mine.st_ino) == (its.st_dev, its.st_ino)


def _files(tree: Path) -> list[Path]:
    """Everything that is no folder, links to folders included; links are not followed."""
    found: list[Path] = []
    for folder, names, files in os.walk(tree):
        found += [Path(folder, name) for name in files]
        found += [Path(folder, name) for name in names if Path(folder, name).is_symlink()]
    return found


def _folders(tree: Path) -> list[Path]:
    return [Path(folder) for folder, _, _ in os.walk(tree)]
