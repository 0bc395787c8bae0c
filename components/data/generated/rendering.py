"""Renders the generated corpus in the generic source layout that ingest reads.

``metadata.csv``, ``alignments.csv``, ``consent.csv`` and ``wav/``: int16 PCM at 22,050 Hz. Byte for byte the
same for the same parameters and seed, whatever the number of processes.
"""

from __future__ import annotations

import itertools
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components.core.params.data import DataParams
from components.core.progress import Progress
from components.core.storage import atomic_folder
from components.core.utterance import Language, PhonemeTiming, Role
from components.data.consent import ConsentRecord
from components.data.generated.sentences import training_sentences
from components.data.generated.voices import Speaker, speakers
from components.data.pcm import write_pcm16
from components.data.source_tables import SourceRow, write_source_tables
from components.espeak import Voice, synthesise
from components.text import phonemise, spoken, symbol_timings

CORPUS_LICENCE = "LicenseRef-iris-generated"


@dataclass(frozen=True)
class Task:
    """One utterance to render; everything a worker needs, so that it shares no state."""

    utterance_id: str
    speaker_id: str
    role: Role
    voice: Voice
    language: Language
    text: str
    words_per_minute: int
    trailing_silence_s: float
    path: str


def render(params: DataParams, seed: int, target: Path, workers: int, progress: Progress) -> None:
    """Write the corpus to ``target``, which is replaced as a whole or not at all.

    Raises:
        EnvironmentFaultError: no espeak-ng.
        StorageError: the disk is full or read-only.
    """
    tasks = list(_tasks(params, seed))
    started = time.monotonic()
    with atomic_folder(target) as folder:
        (folder / "wav").mkdir()
        timings: dict[str, tuple[PhonemeTiming, ...]] = {}
        for done, (task, phones) in enumerate(zip(tasks, _rendered(tasks, folder, workers), strict=True), 1):
            timings[task.utterance_id] = phones
            progress.update(done, len(tasks), started, f"{done}/{len(tasks)} sentences spoken")
        rows = [_source_row(task) for task in tasks]
        write_source_tables(folder, rows, [_consent(speaker) for speaker in speakers()], timings)


def _tasks(params: DataParams, seed: int) -> Iterator[Task]:
    """Speakers take consecutive stretches of the list: all text is used before any repeats."""
    espeak = params.embedded.espeak
    for language in params.languages:
        sentences = itertools.cycle(training_sentences(language, seed))
        for speaker in speakers():
            share = getattr(espeak.sentences_per_voice_and_language, speaker.role)
            for number, text in enumerate(itertools.islice(sentences, share)):
                utterance_id = f"{speaker.speaker_id}_{language}_{number:04d}"
                yield Task(
                    utterance_id=utterance_id,
                    speaker_id=speaker.speaker_id,
                    role=speaker.role,
                    voice=speaker.voice,
                    language=language,
                    text=text,
                    words_per_minute=espeak.words_per_minute,
                    trailing_silence_s=espeak.trailing_silence_s,
                    path=f"wav/{utterance_id}.wav",
                )


def _rendered(tasks: list[Task], folder: Path, workers: int) -> Iterator[tuple[PhonemeTiming, ...]]:
    jobs = [(task, folder) for task in tasks]
    if workers <= 1:
        yield from map(_render_one, jobs)
        return
    # Spawned, not forked: the caller may hold threads (torch, MLflow), which a fork would copy half-dead.
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(_render_one, jobs, chunksize=16)


def _render_one(job: tuple[Task, Path]) -> tuple[PhonemeTiming, ...]:
    task, folder = job
    speech = synthesise(spoken(task.text, task.language), task.language, task.voice, task.words_per_minute)
    rate = speech.sample_rate_hz
    silence = np.zeros(round(task.trailing_silence_s * rate), dtype=np.int16)
    samples = np.concatenate([speech.samples, silence])
    write_pcm16(folder / task.path, samples, rate)
    symbols = phonemise(task.text, task.language).symbols
    timings = symbol_timings(task.language, symbols, speech.timings)
    ends = [timing.end for timing in timings[:-1]] + [len(samples)]
    return tuple(
        PhonemeTiming(
            utterance_id=task.utterance_id,
            symbol=timing.symbol,
            start_s=round(timing.start / rate, 6),
            end_s=round(end / rate, 6),
        )
        for timing, end in zip(timings, ends, strict=True)
    )


def _source_row(task: Task) -> SourceRow:
    return SourceRow(
        utterance_id=task.utterance_id,
        speaker_id=task.speaker_id,
        language=task.language,
        text=task.text,
        audio=task.path,
        role=task.role,
        licence=CORPUS_LICENCE,
        consent=_consent_id(task.speaker_id),
    )


def _consent(speaker: Speaker) -> ConsentRecord:
    return ConsentRecord(
        consent_id=_consent_id(speaker.speaker_id),
        speaker_id=speaker.speaker_id,
        basis="synthetic",
        document_sha256="",
        scope=(),
        signed=None,
        expires=None,
        withdrawn=None,
    )


def _consent_id(speaker_id: str) -> str:
    return f"synthetic-{speaker_id}"
