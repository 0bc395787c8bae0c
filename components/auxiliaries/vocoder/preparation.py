"""Recordings → clips: mel, f0 and samples at the vocoder's rate, and copies at other speeds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.auxiliaries.vocoder.clips import ClipStore, StoredClip, write_clips
from components.auxiliaries.vocoder.params import Training
from components.core.errors import DataError
from components.core.extraction import FeatureReport
from components.core.parallel import map_in_processes
from components.core.progress import Progress
from components.core.storage import recover_folder, sha256_json, sha256_path
from components.core.utterance import Utterance
from components.data.corpus import Corpus
from components.features.audio import read_audio
from components.features.flat_store import nothing_usable
from components.features.mel import MelAnalysis, log_mel, magnitudes
from components.features.pcm import as_pcm
from components.features.pitch import PitchAnalysis, f0
from components.features.scratch import Features, Scratch

#: Whose speech it learns from: never an evaluator's or an unseen voice.
_ROLES = ("model", "human")
_WANTED = f"usable recording of a voice with the role {' or '.join(_ROLES)}"


@dataclass(frozen=True)
class ClipJob:
    """One clip to make; small, because it travels to a worker."""

    utterance: Utterance
    audio: Path
    speed: float
    row: StoredClip


def prepare(
    corpora: Sequence[Path],
    analysis: MelAnalysis,
    pitch: PitchAnalysis,
    training: Training,
    target: Path,
    seed: int,
    workers: int,
    progress: Progress,
) -> FeatureReport:
    """Write the clips of the voices that models learn, and of recorded people, under ``target``.

    Incremental: a clip whose audio, analysis and speed are as before is copied from the old store or from
    what a killed run computed. Rows of all splits are taken; copies at other speeds of training rows only.

    Raises:
        DataError: no usable recording (``details`` has the reasons).
    """
    recover_folder(target)
    jobs = _jobs([Corpus(folder) for folder in corpora], analysis, pitch, training, seed)
    old, scratch = ClipStore.earlier(target), Scratch.beside(target)
    known = {row.fingerprint: row for row in old.rows} if old else {}
    pending = [j for j in jobs if j.row.fingerprint not in known and not scratch.holds(j.row.fingerprint)]
    compute = partial(_compute, analysis=analysis, pitch=pitch, scratch=scratch)
    reasons = map_in_processes(compute, pending, workers, progress, "clips")
    rejected = {job.row.clip_id: reason for job, reason in zip(pending, reasons, strict=True) if reason}
    accepted = sorted((j.row for j in jobs if j.row.clip_id not in rejected), key=lambda row: row.clip_id)
    if not accepted:
        raise nothing_usable("vocoder", _WANTED, len(jobs), rejected)

    def features_of(row: StoredClip) -> Features:
        if old is not None and row.fingerprint in known:
            return old.views(known[row.fingerprint])
        return scratch.load(row.fingerprint)

    write_clips(target, accepted, features_of, {"mel": asdict(analysis), "pitch": asdict(pitch)})
    scratch.remove()
    return FeatureReport(len(jobs), len(accepted), len(jobs) - len(pending), dict(sorted(rejected.items())))


def analyse(samples: NDArray[np.float32], analysis: MelAnalysis, pitch: PitchAnalysis) -> Features:
    """Fields of a clip from samples [N] at the analysis' rate; see `clips.ClipStore.fields`.

    Raises:
        DataError: too short, silent, not finite, or without a voiced frame.
    """
    course = f0(samples, analysis.sample_rate, analysis.hop_length, pitch)
    mel = log_mel(magnitudes(samples, analysis), analysis)
    return {"samples": as_pcm(samples), "mel": mel, "f0": course}


def _jobs(
    corpora: Sequence[Corpus], analysis: MelAnalysis, pitch: PitchAnalysis, training: Training, seed: int
) -> list[ClipJob]:
    source = {path.name: sha256_path(path) for path in (Path(__file__), *_analysis_sources())}
    key = sha256_json({"mel": asdict(analysis), "pitch": asdict(pitch), "source": source})
    return [
        ClipJob(row, corpus.audio(row), speed, StoredClip(f"{row.utterance_id}/{copy}", row.split, print_))
        for corpus in corpora
        for row in corpus.rows
        if row.role in _ROLES
        for copy, speed in enumerate(_speeds(row, training, seed))
        for print_ in [sha256_json({"key": key, "audio": row.sha256, "speed": speed})]
    ]


def _analysis_sources() -> list[Path]:
    from components.features import audio, mel, pitch

    return [Path(str(module.__file__)) for module in (audio, mel, pitch)]


def _speeds(row: Utterance, training: Training, seed: int) -> list[float]:
    """1, and for a training row further ones, drawn by the seed and the utterance's id alone."""
    if row.split != "train":
        return [1.0]
    draw = random.Random(f"{seed}/{row.utterance_id}")
    copies = range(training.speed_copies)
    return [1.0, *(round(draw.uniform(training.speed_min, training.speed_max), 3) for _ in copies)]


def _compute(job: ClipJob, analysis: MelAnalysis, pitch: PitchAnalysis, scratch: Scratch) -> str:
    """Runs in a worker: a clip into the scratch folder, or the reason why there is none."""
    import soxr

    try:
        samples = read_audio(job.audio, job.utterance.sha256, analysis)
        if job.speed != 1.0:
            samples = soxr.resample(samples, job.speed, 1.0).astype(np.float32)
        made = analyse(samples, analysis, pitch)
    except DataError as error:
        return f"{error.who}: expected {error.expected}, found {error.found}"
    scratch.save(job.row.fingerprint, made)
    return ""
