"""Which espeak-ng variants the recogniser learns from, and which it is held back from; read from voices.csv.

``protected``: a voice that is judged (the corpus' ``model`` and ``unseen`` speakers) or a relative of one;
never heard in training. ``unfit``: without voicing, or never the same twice.
``test`` and ``validation``: whole families, heard in no training. ``train``: the rest. The rules that make a
family stand in `measure_voices`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

VOICES_FILE = Path(__file__).with_name("voices.csv")
VOICES_COLUMNS = (
    "variant", "family", "part", "nearest", "similarity", "f1", "f2", "f3", "voiced_share", "length",
    "reason",
)  # fmt: skip
VoicePart = Literal["train", "validation", "test", "protected", "unfit"]


@dataclass(frozen=True)
class ReferenceVoice:
    """One row of voices.csv, as far as training needs it."""

    variant: str
    family: str
    part: VoicePart


@cache
def reference_voices() -> tuple[ReferenceVoice, ...]:
    """Every variant of the wheel, in file order."""
    with VOICES_FILE.open(encoding="utf-8", newline="") as stream:
        return tuple(
            ReferenceVoice(row["variant"], row["family"], row["part"])  # type: ignore[arg-type]
            for row in csv.DictReader(stream)
        )


def variants_of(part: VoicePart) -> tuple[str, ...]:
    """The variants of one part."""
    return tuple(voice.variant for voice in reference_voices() if voice.part == part)
