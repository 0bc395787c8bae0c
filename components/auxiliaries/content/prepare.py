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
from components.auxiliaries.content.clips import NO_SYMBOL, ClipStore, StoredClip, write_clips
from components.auxiliaries.content.params import Architecture, Section
from components.auxiliaries.content.targets import CLIPS, write_cepstral_targets
from components.core.errors import DataError
from components.core.extraction import FeatureReport
from components.core.parallel import map_in_processes
from components.core.progress import Progress
from components.core.storage import recover_folder, sha256_json, sha256_path
from components.core.utterance import PhonemeTiming, Utterance
from components.data.corpus import Corpus
from components.features import audio, mel
from components.features.audio import read_audio
from components.features.flat_store import nothing_usable
from components.features.mel import MelAnalysis
from components.features.pcm import as_pcm
from components.features.scratch import Features, Scratch
from components.text import SPECIAL, segment

#: Whose speech it learns from: never an evaluator's or an unseen voice.
_ROLES = ("model", "human")
_WANTED = f"usable recording of a voice with the role {' or '.join(_ROLES)}"


@dataclass(frozen=True)
class ClipJob:
    """One clip to make; small, because it travels to a worker."""

    utterance: Utterance
    audio: Path
    timings: tuple[PhonemeTiming, ...]
    row: StoredClip


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

    Incremental: a clip whose audio and analysis are as before is copied from the old store or from what a
    killed run computed. The symbols serve `measure` alone; nothing learns from them.

    Args:
        target: gets ``clips`` and ``targets-1``.

    Raises:
        DataError: no usable recording (``details`` has the reasons).
    """
    target.mkdir(parents=True, exist_ok=True)
    folder = target / CLIPS
    recover_folder(folder)
    read = [Corpus(corpus) for corpus in corpora]
    names = tuple(sorted({_name(phone) for one in read for said in one.timings.values() for phone in said}))
    analysis = mel_analysis(
        section.training.cepstra, section.architecture.sample_rate_hz, section.architecture.stride, log_floor
    )
    jobs = _jobs(read, section, analysis, names)
    old, scratch = ClipStore.earlier(folder), Scratch.beside(folder)
    known = {row.fingerprint: row for row in old.rows} if old else {}
    pending = [j for j in jobs if j.row.fingerprint not in known and not scratch.holds(j.row.fingerprint)]
    compute = partial(_compute, section=section, analysis=analysis, names=names, scratch=scratch)
    reasons = map_in_processes(compute, pending, workers, progress, "clips")
    rejected = {job.row.clip_id: reason for job, reason in zip(pending, reasons, strict=True) if reason}
    accepted = sorted((j.row for j in jobs if j.row.clip_id not in rejected), key=lambda row: row.clip_id)
    if not accepted:
        raise nothing_usable("content", _WANTED, len(jobs), rejected)

    def features_of(row: StoredClip) -> Features:
        if old is not None and row.fingerprint in known:
            kept = known[row.fingerprint]
            samples = as_pcm(old.waveform(kept))
            return {"samples": samples, "cepstra": old.cepstra(kept), "symbols": old.symbols(kept)}
        return scratch.load(row.fingerprint)

    write_clips(folder, accepted, features_of, {"mel": asdict(analysis), "symbols": list(names)})
    scratch.remove()
    write_cepstral_targets(target, section.training, seed, progress)
    return FeatureReport(len(jobs), len(accepted), len(jobs) - len(pending), dict(sorted(rejected.items())))


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
        for row in corpus.rows:
            if row.role in _ROLES:
                said = corpus.timings.get(row.utterance_id, ())
                spoken = [(phone.symbol, phone.start_s, phone.end_s) for phone in said]
                print_ = sha256_json({"key": key, "audio": row.sha256, "timings": spoken})
                clip = StoredClip(row.utterance_id, row.speaker_id, row.role, row.split, print_)
                jobs.append(ClipJob(row, corpus.audio(row), said, clip))
    return jobs


def _compute(
    job: ClipJob, section: Section, analysis: MelAnalysis, names: tuple[str, ...], scratch: Scratch
) -> str:
    """Runs in a worker: a clip into the scratch folder, or the reason why there is none."""
    try:
        samples = read_audio(job.audio, job.utterance.sha256, analysis)
        vectors = cepstra_of(samples, section.training.cepstra, analysis)
    except DataError as error:
        return f"{error.who}: expected {error.expected}, found {error.found}"
    symbols = symbols_at(job.timings, len(vectors), section.architecture, names)
    scratch.save(job.row.fingerprint, {"samples": as_pcm(samples), "cepstra": vectors, "symbols": symbols})
    return ""
