"""Renders the generated corpus in the generic source layout that ingest reads.

``metadata.csv``, ``alignments.csv``, ``consent.csv`` and ``wav/``: int16 PCM at 22,050 Hz. Byte for byte the
same for the same parameters and seed, whatever the number of processes.
"""

from __future__ import annotations

import itertools
import multiprocessing
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.core.errors import DataError
from components.core.params.data import DataParams, EspeakParams
from components.core.progress import Progress
from components.core.storage import atomic_folder, recover_folder
from components.core.utterance import Language, PhonemeTiming, Role
from components.data.consent import ConsentRecord
from components.data.generated.made_up_text import made_up
from components.data.generated.sentences import training_sentences
from components.data.generated.voices import Speaker, crowd, speakers
from components.data.pcm import write_pcm16
from components.data.source_tables import SourceRow, write_source_tables
from components.espeak import Speech, Voice, synthesise
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
    made_up: bool
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
    recover_folder(target)
    with atomic_folder(target) as folder:
        (folder / "wav").mkdir()
        timings: dict[str, tuple[PhonemeTiming, ...]] = {}
        for done, (task, phones) in enumerate(zip(tasks, _rendered(tasks, folder, workers), strict=True), 1):
            if phones:
                timings[task.utterance_id] = phones
            progress.update(done, len(tasks), started, f"{done}/{len(tasks)} sentences spoken")
        if len(timings) < len(tasks):
            progress.say(
                f"{len(tasks) - len(timings)} made-up texts left out: espeak-ng reads them otherwise"
            )
        rows = [_source_row(task) for task in tasks if task.utterance_id in timings]
        besides = crowd() if params.embedded.espeak.sentences_per_voice_and_language.crowd else ()
        consents = [_consent(speaker) for speaker in (*speakers(), *besides)]
        write_source_tables(folder, rows, consents, timings)


def _tasks(params: DataParams, seed: int) -> Iterator[Task]:
    """Speakers take consecutive stretches of the list: all text is used before any repeats."""
    espeak = params.embedded.espeak
    shares = espeak.sentences_per_voice_and_language
    in_the_crowd = (shares.crowd // 2, shares.crowd - shares.crowd // 2)
    for language in params.languages:
        known = training_sentences(language, seed)
        sentences = itertools.cycle(known)
        plan = [
            *((s, getattr(shares, s.role), shares.made_up if s.role == "model" else 0) for s in speakers()),
            *((speaker, *in_the_crowd) for speaker in crowd()),
        ]
        for speaker, written, invented in plan:
            for number, text in enumerate(itertools.islice(sentences, written)):
                yield _task(espeak, speaker, language, number, text, made_up=False)
            draw = random.Random(f"{seed}|made up|{language}|{speaker.speaker_id}")
            texts = itertools.islice(made_up(language, known, draw), invented)
            for number, text in enumerate(texts):
                yield _task(espeak, speaker, language, number, text, made_up=True)


def _task(
    espeak: EspeakParams, speaker: Speaker, language: Language, number: int, text: str, *, made_up: bool
) -> Task:
    utterance_id = f"{speaker.speaker_id}_{language}_{'m' if made_up else ''}{number:04d}"
    return Task(
        utterance_id=utterance_id,
        speaker_id=speaker.speaker_id,
        role=speaker.role,
        voice=speaker.voice,
        language=language,
        text=text,
        made_up=made_up,
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
    """The timings of an utterance whose audio is written; none for a made-up text that is left out.

    Random syllables hold combinations that no language writes and that espeak-ng spells out or reads as
    another language; a sentence may not.
    """
    task, folder = job
    speech = said(task.text, task.language, task.voice, task.words_per_minute)
    rate = speech.sample_rate_hz
    symbols = phonemise(task.text, task.language).symbols
    try:
        timings = symbol_timings(task.language, symbols, speech.timings)
    except DataError:
        if task.made_up:
            return ()
        raise
    samples = recorded(speech, task.trailing_silence_s)
    write_pcm16(folder / task.path, samples, rate)
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


def said(text: str, language: Language, voice: Voice, words_per_minute: int) -> Speech:
    """A text as this corpus speaks it: espeak-ng is fed what our front-end reads.

    Raises:
        DataError: nothing in the text that can be spoken.
        EnvironmentFaultError: no espeak-ng.
    """
    return synthesise(spoken(text, language), language, voice, words_per_minute)


def recorded(speech: Speech, trailing_silence_s: float) -> npt.NDArray[np.int16]:
    """The samples of its recording: the speech, and silence behind it."""
    silence = np.zeros(round(trailing_silence_s * speech.sample_rate_hz), dtype=np.int16)
    return np.concatenate([speech.samples, silence])


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
    return ConsentRecord.of_synthetic(_consent_id(speaker.speaker_id), speaker.speaker_id)


def _consent_id(speaker_id: str) -> str:
    return f"synthetic-{speaker_id}"
