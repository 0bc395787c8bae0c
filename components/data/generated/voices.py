"""The ten generated speakers: espeak-ng variants with ordinary formants that a verifier tells apart."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from components.espeak import Voice

VOICES_FILE = Path(__file__).with_name("voices.csv")
GeneratedRole = Literal["model", "evaluator", "unseen"]


@dataclass(frozen=True)
class Speaker:
    """One row of voices.csv; ``max_similarity`` is the highest to any other speaker (measure_voices)."""

    speaker_id: str
    role: GeneratedRole
    voice: Voice
    max_similarity: float


@cache
def speakers() -> tuple[Speaker, ...]:
    """All ten, in file order."""
    with VOICES_FILE.open(encoding="utf-8", newline="") as stream:
        return tuple(
            Speaker(
                speaker_id=row["speaker_id"],
                role=row["role"],  # type: ignore[arg-type]
                voice=Voice(row["variant"], int(row["pitch"]), int(row["pitch_range"])),
                max_similarity=float(row["max_similarity"]),
            )
            for row in csv.DictReader(stream)
        )
