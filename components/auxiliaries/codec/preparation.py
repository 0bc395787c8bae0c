"""Recordings → clips at the codec's rate, with f0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from components.auxiliaries.codec.clips import ClipStore, StoredClip, write_clips
from components.core.errors import DataError
from components.core.extraction import FeatureReport
from components.core.parallel import map_in_processes
from components.core.progress import Progress
from components.core.storage import recover_folder, sha256_json, sha256_path
from components.core.utterance import Utterance
from components.data.corpus import Corpus
from components.features import audio, mel, pitch
from components.features.audio import read_audio
from components.features.flat_store import nothing_usable
from components.features.mel import MelAnalysis
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
    row: StoredClip


def prepare(
    corpora: Sequence[Path],
    analysis: MelAnalysis,
    pitch_analysis: PitchAnalysis,
    target: Path,
    workers: int,
    progress: Progress,
) -> FeatureReport:
    """Write the clips of the voices that models learn, and of recorded people, under ``target``.

    Incremental: a clip whose audio and analysis are as before is copied from the old store or from what a
    killed run computed.

    Raises:
        DataError: no usable recording (``details`` has the reasons).
    """
    recover_folder(target)
    jobs = _jobs([Corpus(folder) for folder in corpora], analysis, pitch_analysis)
    old, scratch = ClipStore.earlier(target), Scratch.beside(target)
    known = {row.fingerprint: row for row in old.rows} if old else {}
    pending = [j for j in jobs if j.row.fingerprint not in known and not scratch.holds(j.row.fingerprint)]
    compute = partial(_compute, analysis=analysis, pitch_analysis=pitch_analysis, scratch=scratch)
    reasons = map_in_processes(compute, pending, workers, progress, "clips")
    rejected = {job.row.clip_id: reason for job, reason in zip(pending, reasons, strict=True) if reason}
    accepted = sorted((j.row for j in jobs if j.row.clip_id not in rejected), key=lambda row: row.clip_id)
    if not accepted:
        raise nothing_usable("codec", _WANTED, len(jobs), rejected)

    def features_of(row: StoredClip) -> Features:
        if old is not None and row.fingerprint in known:
            return old.views(known[row.fingerprint])
        return scratch.load(row.fingerprint)

    write_clips(target, accepted, features_of, {"mel": asdict(analysis), "pitch": asdict(pitch_analysis)})
    scratch.remove()
    return FeatureReport(len(jobs), len(accepted), len(jobs) - len(pending), dict(sorted(rejected.items())))


def _jobs(corpora: Sequence[Corpus], analysis: MelAnalysis, pitch_analysis: PitchAnalysis) -> list[ClipJob]:
    modules = (__file__, audio.__file__, mel.__file__, pitch.__file__)
    source = [sha256_path(Path(str(one))) for one in modules]
    key = sha256_json({"mel": asdict(analysis), "pitch": asdict(pitch_analysis), "source": source})
    return [
        ClipJob(row, corpus.audio(row), StoredClip(row.utterance_id, row.speaker_id, row.split, print_))
        for corpus in corpora
        for row in corpus.rows
        if row.role in _ROLES
        for print_ in [sha256_json({"key": key, "audio": row.sha256})]
    ]


def _compute(job: ClipJob, analysis: MelAnalysis, pitch_analysis: PitchAnalysis, scratch: Scratch) -> str:
    """Runs in a worker: a clip into the scratch folder, or the reason why there is none."""
    try:
        samples = read_audio(job.audio, job.utterance.sha256, analysis)
        course = f0(samples, analysis.sample_rate, analysis.hop_length, pitch_analysis)
    except DataError as error:
        return f"{error.who}: expected {error.expected}, found {error.found}"
    scratch.save(job.row.fingerprint, {"samples": as_pcm(samples), "f0": course})
    return ""
