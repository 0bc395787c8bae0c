"""Held-out error rates of a delivered recogniser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from components.auxiliaries.recogniser.phoneme_recogniser import Heard, PhonemeRecogniser
from components.auxiliaries.recogniser.store import ReferenceStore, Row
from components.core.edit_distance import edit_counts
from components.core.progress import Progress
from components.core.utterance import LANGUAGES

#: Part of the store → what its figures are called.
_PREFIXES = {"test": "per", "test_made_up": "per_made_up", "validation": "per_validation"}
_CLIPS_PER_LINE = 64


def measure(delivered: Path, features: Path, device: torch.device, progress: Progress) -> Mapping[str, float]:
    """Phoneme error rates (edits over all reference segments) on voices and texts that trained nothing.

    Returns:
        ``per`` and ``per_<language>`` on sentences, ``per_made_up…`` on texts that cannot be guessed,
        ``per_validation…`` on the voices that settings were chosen on, ``per_shuffled`` against the reference
        of another sentence (a metric that cannot fail would be low here too), ``tone_error`` in Mandarin,
        ``per_voice_<variant>``, and the number of utterances behind each part: ``n…``.
    """
    store, recogniser = ReferenceStore(features), PhonemeRecogniser(delivered, device)
    figures: dict[str, float] = {}
    for part, prefix in _PREFIXES.items():
        rows = store.of_part(part)
        heard = _heard(recogniser, store, rows, progress, part)
        figures |= _rates(store, rows, heard, prefix)
        if part == "test":
            figures |= _more(store, rows, heard)
    return figures


def _heard(
    recogniser: PhonemeRecogniser, store: ReferenceStore, rows: Sequence[Row], progress: Progress, note: str
) -> list[Heard]:
    starts = range(0, len(rows), _CLIPS_PER_LINE)
    heard: list[Heard] = []
    for start in progress.track(starts, len(starts), note):
        part = rows[start : start + _CLIPS_PER_LINE]
        heard += recogniser.hear_frames(
            [(store.mel(row), store.pitch(row)) for row in part], [row.language for row in part]
        )
    return heard


def _rates(
    store: ReferenceStore, rows: Sequence[Row], heard: Sequence[Heard], prefix: str
) -> dict[str, float]:
    pairs = [(row, store.segments(row), one.segments) for row, one in zip(rows, heard, strict=True)]
    figures = {prefix: error_rate([(said, got) for _, said, got in pairs])}
    counted = prefix.replace("per", "n", 1)
    figures[counted] = float(len(pairs))
    for language in LANGUAGES:
        own = [(said, got) for row, said, got in pairs if row.language == language]
        if own:
            figures |= {f"{prefix}_{language}": error_rate(own), f"{counted}_{language}": float(len(own))}
    return figures


def _more(store: ReferenceStore, rows: Sequence[Row], heard: Sequence[Heard]) -> dict[str, float]:
    pairs = [(row, store.segments(row), one) for row, one in zip(rows, heard, strict=True)]
    figures: dict[str, float] = {}
    toned = [(store.tones(row), one.tones) for row, _, one in pairs if row.tones_count]
    if toned:
        figures |= {"tone_error": error_rate(toned), "n_tones": float(sum(len(said) for said, _ in toned))}
    for variant in sorted({row.variant for row in rows}):
        own = [(said, one.segments) for row, said, one in pairs if row.variant == variant]
        figures[f"per_voice_{variant}"] = error_rate(own)
    shuffled = []
    for language in LANGUAGES:
        own_rows = [(said, one.segments) for row, said, one in pairs if row.language == language]
        shuffled += [
            (said, got) for (said, _), (_, got) in zip(own_rows, own_rows[1:] + own_rows[:1], strict=True)
        ]
    figures["per_shuffled"] = error_rate(shuffled)
    return figures


def error_rate(pairs: Sequence[tuple[Sequence[str | int], Sequence[str | int]]]) -> float:
    """Edits over reference symbols, all (reference, heard) pairs together.

    Raises:
        NothingScoredError: a reference is empty.
    """
    counts = [edit_counts(list(map(str, said)), list(map(str, got))) for said, got in pairs]
    return sum(count.edits for count in counts) / sum(count.length for count in counts)
