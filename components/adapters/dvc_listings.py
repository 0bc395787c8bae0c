"""What a data version holds, from DVC's list in a local cache or remote; DVC itself is not loaded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from components.adapters.dvc_pointer import parse_listing


def listed(version_md5: str, stores: Iterable[Path]) -> tuple[PurePosixPath, ...] | None:
    """Paths of a version's files below ``data/``; None where no store has a sound list.

    Args:
        version_md5: 32 hexadecimal digits and ``.dir``.
        stores: folders that hold ``files/md5/``: DVC's cache, a remote in the file system.

    Raises:
        DataError: a list that leads outside.
    """
    for store in stores:
        path = store / "files" / "md5" / version_md5[:2] / version_md5[2:]
        try:
            content = path.read_bytes()
        except OSError:
            continue
        if hashlib.md5(content, usedforsecurity=False).hexdigest() == version_md5.removesuffix(".dir"):
            return tuple(entry.path for entry in parse_listing(content, str(path)))
    return None
