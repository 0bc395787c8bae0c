"""Recordings → clips: mel, f0 and samples at the vocoder's rate, and copies at other speeds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.auxiliaries.vocoder.clips import ClipStore, StoredClip
from components.auxiliaries.vocoder.params import Training
from components.core.extraction import FeatureReport
from components.core.progress import Progress
from components.core.storage import sha256_json, sha256_path
from components.core.utterance import Utterance
from components.data.corpus import Corpus
from components.features.audio import read_audio
from components.features.incremental import Job, extract
from components.features.mel import MelAnalysis, log_mel, magnitudes
from components.features.pcm import as_pcm
from components.features.pitch import PitchAnalysis, f0
from components.features.recorded_clips import WANTED, teaches_auxiliaries
from components.features.scratch import Features


@dataclass(frozen=True)
class ClipJob(Job[StoredClip]):
    """One clip to make."""

    utterance: Utterance
    audio: Path
    speed: float


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

    Incremental; see `components.features.incremental.extract`. Rows of all splits are taken; copies at other
    speeds of training rows only.

    Raises:
        DataError: no usable recording (``details`` has the reasons).
    """
    jobs = _jobs([Corpus(folder) for folder in corpora], analysis, pitch, training, seed)
    make = partial(_clip, analysis=analysis, pitch=pitch)
    summary = {"mel": asdict(analysis), "pitch": asdict(pitch)}
    return extract(target, ClipStore, jobs, make, summary, workers, progress, who="vocoder", wanted=WANTED)


def analyse(samples: NDArray[np.float32], analysis: MelAnalysis, pitch: PitchAnalysis) -> Features:
    """Fields of a clip from samples [N] at the analysis' rate; see `clips.ClipStore`.

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
        ClipJob(StoredClip(f"{row.utterance_id}/{copy}", row.split, print_), row, corpus.audio(row), speed)
        for corpus in corpora
        for row in filter(teaches_auxiliaries, corpus.rows)
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


def _clip(job: ClipJob, analysis: MelAnalysis, pitch: PitchAnalysis) -> Features:
    """The clip at its speed; see `analyse`."""
    import soxr

    samples = read_audio(job.audio, job.utterance.sha256, analysis)
    if job.speed != 1.0:
        samples = soxr.resample(samples, job.speed, 1.0).astype(np.float32)
    return analyse(samples, analysis, pitch)
