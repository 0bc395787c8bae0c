"""Corpus formats, one file each: a module here with ``read(folder) -> Source`` is a format of its name."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Protocol, cast

from components.core.errors import ConfigError, DataError
from components.data.source import Source


class Reader(Protocol):
    """A module of this package."""

    #: What a folder of this format is known by.
    LOOKED_FOR: str

    def matches(self, folder: Path) -> bool:
        """Whether a folder looks like this format; cheap, and no error whatever the folder holds."""

    def read(self, folder: Path) -> Source:
        """The rows of a corpus in this format; a bad row is a row with a ``problem``.

        Raises:
            DataError: the folder is not in this format at all.
        """


def formats() -> tuple[str, ...]:
    """The formats there are."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def recognisable() -> tuple[str, ...]:
    """The formats that a folder can be seen to have; others are always named (``speaker``)."""
    return tuple(name for name in formats() if hasattr(_reader(name), "matches"))


def read_source(folder: Path, name: str) -> Source:
    """Read ``folder`` as format ``name``.

    Raises:
        ConfigError: no such format.
        DataError: no such folder, not in this format, or without any row.
    """
    if name not in formats():
        raise ConfigError(
            who=f"format {name!r}",
            expected=f"one of {', '.join(formats())}",
            found="no such format",
            action="choose one, or add components/data/readers/<format>.py",
        )
    if not folder.is_dir():
        raise DataError(
            who=str(folder), expected="a folder of recordings", found="no folder", action="correct the path"
        )
    source = _reader(name).read(folder)
    if not source.rows:
        raise DataError(
            who=str(folder),
            expected=f"at least one recording in format {name}",
            found="an empty list",
            action="check that this is the right folder",
        )
    return source


def recognise(folder: Path) -> str:
    """The format of a folder.

    Raises:
        DataError: no such folder, or one that looks like no format, or like several.
    """
    if not folder.is_dir():
        raise DataError(
            who=str(folder), expected="a folder of recordings", found="no folder", action="correct the path"
        )
    found = _matching(folder)
    if len(found) == 1:
        return found[0]
    below = {path: names for path in sorted(folder.iterdir()) if path.is_dir() and (names := _matching(path))}
    hints = [f"{path.name} below it looks like {' or '.join(names)}" for path, names in below.items()]
    raise DataError(
        who=str(folder),
        expected="a folder that looks like one format",
        found=f"signs of {' and of '.join(found)}" if found else "; ".join(hints) or "no known sign",
        action="name it with --format" if found else "point at the folder itself, or write metadata.csv",
        details=[f"{name}: {_reader(name).LOOKED_FOR}" for name in recognisable()],
    )


def _matching(folder: Path) -> list[str]:
    return [name for name in recognisable() if _reader(name).matches(folder)]


def _reader(name: str) -> Reader:
    return cast("Reader", importlib.import_module(f"{__name__}.{name}"))
