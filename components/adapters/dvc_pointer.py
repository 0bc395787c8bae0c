"""What DVC writes, read with distrust: the pointer ``data.dvc`` and the ``.dir`` list of a folder's files.

A crafted list makes ``dvc checkout`` write outside the folder; here every entry is checked before any is
used.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from components.core.errors import DataError
from components.core.ports import DataVersion

_FOLDER_MD5 = re.compile(r"[0-9a-f]{32}\.dir")
_FILE_MD5 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Entry:
    """One file of a version."""

    path: PurePosixPath
    md5: str


def parse_pointer(text: str, who: str) -> DataVersion:
    """The version that the text of a ``data.dvc`` names.

    Args:
        text: YAML with one folder output: ``outs: [{md5: <32 hex>.dir, nfiles, size, path}]``;
            nfiles and size may be absent, as for DVC itself.
        who: names the text in an error.

    Raises:
        DataError: it is not such a text.
    """
    try:
        content = yaml.safe_load(text)
        (out,) = content["outs"]
        md5, files, size = str(out["md5"]), int(out.get("nfiles", 0)), int(out.get("size", 0))
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise _unusable(who, "a DVC pointer to one folder", " ".join(str(error).split())) from error
    if not _FOLDER_MD5.fullmatch(md5):
        raise _unusable(who, "md5: 32 hexadecimal digits and .dir", repr(md5[:60]))
    return DataVersion(md5=md5, files=files, size_bytes=size, pointer=text)


def parse_listing(content: bytes, who: str) -> tuple[Entry, ...]:
    """The files of a version, each below the folder and under its own name.

    Raises:
        DataError: not a list of files, a path that leads outside, or a path that stands twice.
    """
    try:
        listing = json.loads(content)
        entries = tuple(_entry(item, who) for item in listing)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _unusable(who, "a JSON list of md5 and relpath", f"{type(error).__name__}: {error}") from error
    paths = [entry.path for entry in entries]
    folders = {parent for path in paths for parent in path.parents}
    if len(set(paths)) < len(paths) or folders & set(paths):
        raise _unusable(who, "each path once", "a path that stands twice, or as file and folder")
    return entries


def _entry(item: dict[str, Any], who: str) -> Entry:
    relpath, md5 = item["relpath"], item["md5"]
    parts = relpath.split("/")
    if any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
        raise _unusable(who, "paths below the data folder", ascii(relpath[:120]))
    if not _FILE_MD5.fullmatch(md5):
        raise _unusable(who, "an md5 of 32 hexadecimal digits", f"{md5!r:.60} for {relpath!a:.120}")
    return Entry(PurePosixPath(*parts), md5)


def _unusable(who: str, expected: str, found: str) -> DataError:
    return DataError(
        who=who, expected=expected, found=found, action="use another version; nothing was written"
    )
