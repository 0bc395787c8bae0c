"""Recordings → clips at the codec's rate, with f0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from components.auxiliaries.codec.clips import ClipStore, StoredClip
from components.core.extraction import FeatureReport
from components.core.progress import Progress
from components.core.storage import sha256_json, sha256_path
from components.core.utterance import Utterance
from components.data.corpus import Corpus
from components.features import audio, mel, pitch
from components.features.audio import read_audio
from components.features.incremental import Job, extract
from components.features.mel import MelAnalysis
from components.features.pcm import as_pcm
from components.features.pitch import PitchAnalysis, f0
from components.features.recorded_clips import WANTED, teaches_auxiliaries
from components.features.scratch import Features


@dataclass(frozen=True)
class ClipJob(Job[StoredClip]):
    """One clip to make."""

    utterance: Utterance
    audio: Path


def prepare(
    corpora: Sequence[Path],
    analysis: MelAnalysis,
    pitch_analysis: PitchAnalysis,
    target: Path,
    workers: int,
    progress: Progress,
) -> FeatureReport:
    """Write the clips of the voices that models learn, and of recorded people, under ``target``.

    Incremental; see `components.features.incremental.extract`.

    Raises:
        DataError: no usable recording (``details`` has the reasons).
    """
    jobs = _jobs([Corpus(folder) for folder in corpora], analysis, pitch_analysis)
    make = partial(_clip, analysis=analysis, pitch_analysis=pitch_analysis)
    summary = {"mel": asdict(analysis), "pitch": asdict(pitch_analysis)}
    return extract(target, ClipStore, jobs, make, summary, workers, progress, who="codec", wanted=WANTED)


def _jobs(corpora: Sequence[Corpus], analysis: MelAnalysis, pitch_analysis: PitchAnalysis) -> list[ClipJob]:
    modules = (__file__, audio.__file__, mel.__file__, pitch.__file__)
    source = [sha256_path(Path(str(one))) for one in modules]
    key = sha256_json({"mel": asdict(analysis), "pitch": asdict(pitch_analysis), "source": source})
    return [
        ClipJob(StoredClip(row.utterance_id, row.speaker_id, row.split, print_), row, corpus.audio(row))
        for corpus in corpora
        for row in filter(teaches_auxiliaries, corpus.rows)
        for print_ in [sha256_json({"key": key, "audio": row.sha256})]
    ]


def _clip(job: ClipJob, analysis: MelAnalysis, pitch_analysis: PitchAnalysis) -> Features:
    """See `ClipStore`.

    Raises:
        DataError: unusable audio.
    """
    samples = read_audio(job.audio, job.utterance.sha256, analysis)
    course = f0(samples, analysis.sample_rate, analysis.hop_length, pitch_analysis)
    return {"samples": as_pcm(samples), "f0": course}
