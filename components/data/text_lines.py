"""Text files of other people's corpora: UTF-8, with or without a mark, any line ends."""

from __future__ import annotations

from pathlib import Path

from components.core.errors import DataError


def text_lines(path: Path) -> list[str]:
    """The lines of a file, empty ones too.

    Raises:
        DataError: unreadable, or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            who=str(path), expected="a text file in UTF-8", found=str(error), action="convert it to UTF-8"
        ) from error


def first_line(path: Path) -> str:
    """The first line, "" where there is none or the file is no text: for recognising a format."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        return ""
