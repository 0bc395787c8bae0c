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

    def read(self, folder: Path) -> Source:
        """The rows of a corpus in this format; a bad row is a row with a ``problem``.

        Raises:
            DataError: the folder is not in this format at all.
        """


def formats() -> tuple[str, ...]:
    """The formats there are."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


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
    source = cast("Reader", importlib.import_module(f"{__name__}.{name}")).read(folder)
    if not source.rows:
        raise DataError(
            who=str(folder),
            expected=f"at least one recording in format {name}",
            found="an empty list",
            action="check that this is the right folder",
        )
    return source
