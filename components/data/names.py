"""Which ids may become names of files and folders, on any of the file systems a corpus passes through."""

from __future__ import annotations

import unicodedata

#: NAME_MAX of every common file system, in bytes of UTF-8.
_NAME_MAX_BYTES = 255
_ID_MAX_CHARACTERS = 120
_FORBIDDEN = frozenset('/\\:*?"<>|')
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})


def name_fault(name: str, suffix: str = "") -> str:
    """Why ``name`` + ``suffix`` cannot name a file, "" when it can. Hangul, spaces and emoji can.

    Names with a leading dot are refused because temporary files here have one, and DVC leaves them out.
    """
    if not name:
        return "nothing"
    if name.startswith("."):
        return f"{name[:40]!r}, which begins with a dot"
    bad = [c for c in name if c in _FORBIDDEN or unicodedata.category(c) in _FORBIDDEN_CATEGORIES]
    if bad:
        return f"{name[:40]!a} with {bad[0]!a}"
    if len(name) > _ID_MAX_CHARACTERS:
        return f"{len(name)} characters, more than {_ID_MAX_CHARACTERS}"
    length = len((name + suffix).encode("utf-8"))
    return f"{length} bytes, more than {_NAME_MAX_BYTES}" if length > _NAME_MAX_BYTES else ""
