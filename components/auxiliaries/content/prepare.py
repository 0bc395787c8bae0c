"""Recordings → clips at 16 kHz with cepstra and symbols, and the first iteration's targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.auxiliaries.content import cepstra as cepstra_room
from components.auxiliaries.content.cepstra import cepstra_of, mel_analysis
from components.auxiliaries.content.clips import NO_SYMBOL, ClipStore, StoredClip
from components.auxiliaries.content.params import Architecture, Section
from components.auxiliaries.content.targets import CLIPS, write_cepstral_targets
from components.core.extraction import FeatureReport
from components.core.progress import Progress
from components.core.storage import sha256_json, sha256_path
from components.core.utterance import PhonemeTiming, Utterance
from components.data.corpus import Corpus
from components.features import audio, mel
from components.features.audio import read_audio
from components.features.incremental import Job, extract
from components.features.mel import MelAnalysis
from components.features.pcm import as_pcm
from components.features.recorded_clips import WANTED, teaches_auxiliaries
from components.features.scratch import Features
from components.text import SPECIAL, segment


@dataclass(frozen=True)
class ClipJob(Job[StoredClip]):
    """One clip to make."""

    utterance: Utterance
    audio: Path
    timings: tuple[PhonemeTiming, ...]


def prepare(
    section: Section,
    log_floor: float,
    corpora: Sequence[Path],
    target: Path,
    seed: int,
    workers: int,
    progress: Progress,
) -> FeatureReport:
    """Write clips of the voices that models learn, and of recorded people, and cluster their cepstra.

    Incremental; see `components.features.incremental.extract`. The symbols serve `measure` alone; nothing
    learns from them.

    Args:
        target: gets ``clips`` and ``targets-1``.

    Raises:
        DataError: no usable recording (``details`` has the reasons).
    """
    target.mkdir(parents=True, exist_ok=True)
    read = [Corpus(corpus) for corpus in corpora]
    names = tuple(sorted({_name(phone) for one in read for said in one.timings.values() for phone in said}))
    analysis = mel_analysis(
        section.training.cepstra, section.architecture.sample_rate_hz, section.architecture.stride, log_floor
    )
    jobs = _jobs(read, section, analysis, names)
    make = partial(_clip, section=section, analysis=analysis, names=names)
    summary = {"mel": asdict(analysis), "symbols": list(names)}
    report = extract(
        target / CLIPS, ClipStore, jobs, make, summary, workers, progress, who="content", wanted=WANTED
    )
    write_cepstral_targets(target, section.training, seed, progress)
    return report


def symbols_at(
    timings: Sequence[PhonemeTiming], frames: int, architecture: Architecture, names: Sequence[str]
) -> NDArray[np.int16]:
    """[frames] the symbol that sounds in the middle of what each feature hears, `NO_SYMBOL` where none does.

    Args:
        names: what the numbers mean. Stress, pitch accent and tone are no part of a name, pauses are none.
    """
    places = {name: number for number, name in enumerate(names)}
    found = np.full(frames, NO_SYMBOL, dtype=np.int16)
    middles = (
        np.arange(frames) * architecture.stride + architecture.window / 2
    ) / architecture.sample_rate_hz
    for phone in timings:
        if phone.symbol not in SPECIAL:
            found[(middles >= phone.start_s) & (middles < phone.end_s)] = places[_name(phone)]
    return found


def _name(phone: PhonemeTiming) -> str:
    return segment(phone.symbol) if phone.symbol not in SPECIAL else phone.symbol


def _jobs(
    corpora: Sequence[Corpus], section: Section, analysis: MelAnalysis, names: tuple[str, ...]
) -> list[ClipJob]:
    source = [
        sha256_path(Path(str(one))) for one in (__file__, cepstra_room.__file__, audio.__file__, mel.__file__)
    ]
    made = {
        "mel": asdict(analysis),
        "cepstra": section.training.cepstra.model_dump(mode="json"),
        "names": names,
        "source": source,
    }
    key = sha256_json(made)
    jobs = []
    for corpus in corpora:
        for row in filter(teaches_auxiliaries, corpus.rows):
            said = corpus.timings.get(row.utterance_id, ())
            spoken = [(phone.symbol, phone.start_s, phone.end_s) for phone in said]
            print_ = sha256_json({"key": key, "audio": row.sha256, "timings": spoken})
            clip = StoredClip(row.utterance_id, row.speaker_id, row.role, row.split, print_)
            jobs.append(ClipJob(clip, row, corpus.audio(row), said))
    return jobs


def _clip(job: ClipJob, section: Section, analysis: MelAnalysis, names: tuple[str, ...]) -> Features:
    """See `ClipStore`.

    Raises:
        DataError: unusable audio.
    """
    samples = read_audio(job.audio, job.utterance.sha256, analysis)
    vectors = cepstra_of(samples, section.training.cepstra, analysis)
    symbols = symbols_at(job.timings, len(vectors), section.architecture, names)
    return {"samples": as_pcm(samples), "cepstra": vectors, "symbols": symbols}
