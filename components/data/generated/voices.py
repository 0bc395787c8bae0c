"""The ten generated speakers: espeak-ng variants with ordinary formants that a verifier tells apart.

And the crowd, from which first weights learn that voices differ: variants that no recogniser heard, each less
like a judge's or an unseen voice than two speakers may be. They are of no corpus but that of such weights.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from components.espeak import Voice

VOICES_FILE = Path(__file__).with_name("voices.csv")
CROWD_FILE = Path(__file__).with_name("crowd.csv")
GeneratedRole = Literal["model", "evaluator", "unseen"]


@dataclass(frozen=True)
class Speaker:
    """One row of voices.csv or crowd.csv.

    ``max_similarity`` is the highest to any other speaker; in the crowd, to any that judges or stays unseen
    (measure_voices).
    """

    speaker_id: str
    role: GeneratedRole
    voice: Voice
    max_similarity: float


@cache
def speakers() -> tuple[Speaker, ...]:
    """All ten, in file order."""
    return _read(VOICES_FILE)


@cache
def crowd() -> tuple[Speaker, ...]:
    """The voices besides, all of the role ``model``, in file order."""
    return _read(CROWD_FILE)


def _read(file: Path) -> tuple[Speaker, ...]:
    with file.open(encoding="utf-8", newline="") as stream:
        return tuple(
            Speaker(
                speaker_id=row["speaker_id"],
                role=row["role"],  # type: ignore[arg-type]
                voice=Voice(row["variant"], int(row["pitch"]), int(row["pitch_range"])),
                max_similarity=float(row["max_similarity"]),
            )
            for row in csv.DictReader(stream)
        )
