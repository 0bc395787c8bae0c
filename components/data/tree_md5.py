"""The md5 that DVC gives a folder, computed without DVC: what ``data.dvc`` has to name.

DVC hashes each file, lists ``{md5, relpath}`` sorted by path as JSON, and hashes the list.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

_CHUNK_BYTES = 1 << 20


def tree_md5(data: Path, corpora: Sequence[str]) -> str:
    """``<md5>.dir`` of a ``data`` folder that would hold only the named corpora."""
    files = sorted(
        (path.relative_to(data).as_posix(), path)
        for name in corpora
        for path in (data / name).rglob("*")
        if path.is_file()
    )
    listing = [{"md5": _file_md5(path), "relpath": relpath} for relpath, path in files]
    digest = hashlib.md5(json.dumps(listing, sort_keys=True).encode("utf-8"), usedforsecurity=False)
    return f"{digest.hexdigest()}.dir"


def _file_md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
