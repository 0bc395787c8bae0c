"""Recordings that nothing was trained on: a speaker's centroid, its ceiling and its floor come from them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import soundfile

from components.core.errors import DataError
from components.core.utterance import LANGUAGES, Utterance
from components.data.corpus import Corpus
from components.nn.contracts import Speech


@dataclass(frozen=True)
class Recording:
    """A row of a manifest and where its audio lies."""

    utterance: Utterance
    path: Path

    def load(self) -> Speech:
        """The audio, mono.

        Raises:
            DataError: missing, truncated or not mono.
        """
        try:
            samples, sample_rate = soundfile.read(self.path, dtype="float32")
        except (OSError, soundfile.LibsndfileError) as error:
            raise self._error("a readable recording", f"{type(error).__name__}: {error}") from error
        if samples.ndim != 1 or len(samples) == 0:
            raise self._error("mono samples", f"shape {samples.shape}")
        return Speech(samples, int(sample_rate))

    def _error(self, expected: str, found: str) -> DataError:
        return DataError(
            who=f"{self.utterance.utterance_id} ({self.path})",
            expected=expected,
            found=found,
            action="run ingest and validate again; the corpus changed since",
        )


@dataclass(frozen=True)
class Panel:
    """One speaker's recordings, parted: ``references`` make the centroid, ``probes`` are held against it."""

    speaker: str
    references: tuple[Recording, ...]
    probes: tuple[Recording, ...]


def held_out(corpora: Sequence[Corpus], min_duration_s: float) -> list[Recording]:
    """The recordings of the test and validation splits that are at least ``min_duration_s`` long.

    Raises:
        DataError: a manifest that cannot be read, or a path outside its corpus.
    """
    return [
        Recording(row, corpus.audio(row))
        for corpus in corpora
        for row in corpus.rows
        if row.split != "train" and row.duration_s >= min_duration_s
    ]


def transcribed(corpora: Sequence[Corpus], speakers: Sequence[str]) -> list[Recording]:
    """The test split's recordings of these speakers in languages with a front-end, whatever their length.

    Raises:
        DataError: a manifest that cannot be read, or a path outside its corpus.
    """
    return [
        Recording(row, corpus.audio(row))
        for corpus in corpora
        for row in corpus.rows
        if row.split == "test" and row.speaker_id in speakers and row.language in LANGUAGES and row.text
    ]


def panel(speaker: str, recordings: Sequence[Recording], references: int, seed: int) -> Panel:
    """Part a speaker's recordings: up to ``references`` for the centroid, as many of the rest as probes.

    The draw depends on the seed and the utterance ids only, never on the order of the rows. Languages take
    turns, so that a centroid is not one language's.
    """
    by_language: dict[str, list[Recording]] = {}
    for recording in sorted(recordings, key=lambda r: r.utterance.utterance_id):
        if recording.utterance.speaker_id == speaker:
            by_language.setdefault(recording.utterance.language, []).append(recording)
    draw = random.Random(f"{seed}/{speaker}")
    for group in by_language.values():
        draw.shuffle(group)
    longest = max(map(len, by_language.values()), default=0)
    turns = [group[i] for i in range(longest) for group in by_language.values() if i < len(group)]
    return Panel(speaker, tuple(turns[:references]), tuple(turns[references : 2 * references]))
