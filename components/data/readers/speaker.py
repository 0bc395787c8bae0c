"""One person's recordings without texts, for voice conversion: a generic list whose rows have no words.

What `add-speaker` hands to ingest. A source of its own for each person: replacing one leaves the others.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from components.core.errors import DataError
from components.data.readers import generic
from components.data.source import Source


def read(folder: Path) -> Source:
    """Read such a folder; tables as `components.data.readers.generic` has them.

    Raises:
        DataError: as there, or recordings of more than one person.
    """
    source = generic.read(folder)
    speakers = sorted({row.speaker_id for row in source.rows})
    if len(speakers) != 1:
        raise DataError(
            who=str(folder),
            expected="recordings of one person",
            found=f"{len(speakers)}: {', '.join(speakers[:5])}",
            action="make a folder for each, or take them in as format generic",
        )
    return dataclasses.replace(source, name=source_name(speakers[0]), transcribed=False)


def source_name(speaker: str) -> str:
    """Which source a person's rows came from, in ``origins.csv``."""
    return f"speaker {speaker}"
