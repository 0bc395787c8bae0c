"""Recordings → slices with f0 and content features: the features stage of RVC."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from components.core.errors import DataError
from components.core.extraction import Extraction, FeatureReport
from components.core.parallel import map_in_processes
from components.core.progress import Progress
from components.core.storage import recover_folder, sha256_json, sha256_path
from components.core.utterance import Utterance
from components.data.corpus import Corpus, rows_of
from components.features.audio import read_audio
from components.features.flat_store import nothing_usable
from components.features.high_pass import HighPass
from components.features.incremental import reason_of
from components.features.mel import MelAnalysis
from components.features.pcm import as_pcm
from components.features.pitch import PitchAnalysis
from components.features.scratch import Features, Scratch
from components.features.slices import SliceRules, slices
from components.models.rvc.hearing import RATE, content_at_speed, features_of, pitch_of, samples_of
from components.models.rvc.params import FRAMES_PER_FEATURE
from components.models.rvc.store import SliceStore, StoredSlice, placed, write_slices
from components.nn.conversion import ContentEncoder
from components.nn.device import one_thread

_SOURCES = (Path(__file__).parent, Path(__file__).parents[2] / "features")
_CHUNK = 2


@dataclass(frozen=True)
class Analysis:
    """Everything the stored slices depend on, besides audio and encoder."""

    mel: MelAnalysis
    pitch: PitchAnalysis
    rules: SliceRules
    highpass_hz: float
    content_speeds: tuple[float, ...]

    def key(self, encoder: ContentEncoder) -> str:
        """sha256 over values, encoder and the source that uses them: a change of any recomputes."""
        names = ("preparation.py", "hearing.py", "audio.py", "high_pass.py", "slices.py", "pitch.py")
        source = {
            path.name: sha256_path(path) for folder in _SOURCES for path in sorted(folder.glob("*.py"))
            if path.name in names
        }  # fmt: skip
        return sha256_json({"analysis": asdict(self), "encoder": encoder.sha256, "source": source})


@dataclass(frozen=True)
class Job:
    """One recording; small, because it travels to a worker."""

    utterance: Utterance
    corpus: str
    audio: Path
    fingerprint: str

    @property
    def heard(self) -> str:
        """Name of what `_slice` leaves."""
        return f"{self.fingerprint}-audio"


def prepare(extraction: Extraction, analysis: Analysis, encoder: ContentEncoder) -> FeatureReport:
    """Write the store of all voices to learn from: people, and voices for models.

    In worker processes, each with the encoder; with an encoder on a GPU its part is done here, after reading,
    slicing and f0 of all. Incremental, and killed at any moment the old store stays.

    Raises:
        DataError: one id in two corpora, or no usable recording (``details`` has the reasons).
        ConfigError: the encoder's features have another number or width than it says.
    """
    target, progress, shard = extraction.target, extraction.progress, extraction.shard
    jobs = _jobs([Corpus(folder) for folder in extraction.corpora], analysis.key(encoder))
    if shard is None:
        recover_folder(target)
    else:
        jobs = jobs[shard[0] :: shard[1]]
    old, scratch = SliceStore.earlier(target), Scratch.beside(target)
    known = set(old.by_fingerprint) if old else set()
    pending = [one for one in jobs if one.fingerprint not in known and not scratch.holds(one.fingerprint)]
    progress.say(f"{len(jobs)} recordings: {len(pending)} to compute, {len(jobs) - len(pending)} as before")
    slice_ = partial(_slice, analysis=analysis, scratch=scratch)
    listen = partial(_listen, speeds=analysis.content_speeds, encoder=encoder, scratch=scratch)
    if encoder.device.type == "cpu":
        both = partial(_slice_and_listen, slice_=slice_, listen=listen)
        rejected = _rejected(pending, both, extraction.workers, progress, "recordings")
    else:
        rejected = _rejected(pending, slice_, extraction.workers, progress, "recordings sliced")
        heard = [one for one in pending if one.utterance.utterance_id not in rejected]
        for job in progress.track(heard, len(heard), "content features"):
            listen(job)
    accepted = [one for one in jobs if one.utterance.utterance_id not in rejected]
    report = FeatureReport(len(jobs), len(accepted), len(jobs) - len(pending), rejected)
    if shard is not None:
        return report
    if not accepted:
        raise nothing_usable("features of rvc", "usable recording", len(jobs), rejected)
    summary = {
        "analysis": asdict(analysis),
        "encoder": {"label": encoder.label, "sha256": encoder.sha256, "dim": encoder.dim},
        "rejected": rejected,
    }
    _write(target, accepted, old, scratch, summary)
    scratch.remove()
    return report


def teaches_rvc(utterance: Utterance) -> bool:
    """Whether RVC may learn from a row; it needs no text."""
    return utterance.role in {"model", "human"}


def _jobs(corpora: Sequence[Corpus], key: str) -> list[Job]:
    jobs: dict[str, Job] = {}
    for corpus, row in rows_of(corpora, teaches_rvc):
        fingerprint = sha256_json({"key": key, "audio": row.sha256})
        jobs[row.utterance_id] = Job(row, corpus.name, corpus.audio(row), fingerprint)
    return [jobs[name] for name in sorted(jobs)]


def _rejected(
    jobs: Sequence[Job], work: Callable[[Job], str], workers: int, progress: Progress, note: str
) -> dict[str, str]:
    """Does the work; gives the reasons of those that cannot be used."""
    reasons = map_in_processes(work, jobs, workers, progress, note, chunk=_CHUNK)
    return {job.utterance.utterance_id: why for job, why in zip(jobs, reasons, strict=True) if why}


def _slice_and_listen(job: Job, slice_: Callable[[Job], str], listen: Callable[[Job], None]) -> str:
    """Runs in a worker: everything of one recording, or the reason why there is nothing."""
    why = slice_(job)
    if not why:
        listen(job)
    return why


def _slice(job: Job, analysis: Analysis, scratch: Scratch) -> str:
    """Slices into the scratch folder, where a killed run may have left them; or why there are none."""
    if scratch.holds(job.heard):
        return ""
    try:
        samples = read_audio(job.audio, job.utterance.sha256, analysis.mel)
        parts = list(_slices_of(HighPass(analysis.highpass_hz, analysis.mel.sample_rate)(samples), analysis))
        if not parts:
            raise DataError(
                who=job.audio.name,
                expected=f"voiced speech of at least {analysis.rules.min_s} s",
                found="none",
                action="remove the recording",
            )
    except DataError as error:
        return reason_of(error)
    scratch.save(
        job.heard,
        {
            **{name: np.concatenate([part[name] for part in parts]) for name in parts[0]},
            "features": np.array([len(part["f0"]) // FRAMES_PER_FEATURE for part in parts]),
        },
    )
    return ""


def _slices_of(samples: NDArray[np.float32], analysis: Analysis) -> Iterator[Features]:
    """Of slices with a voice: samples [2 n · hop], f0 [2 n] and, at 16 kHz, what n features hear."""
    import soxr

    rate, hop = analysis.mel.sample_rate, analysis.mel.hop_length
    for start, stop in slices(samples, rate, analysis.rules):
        part = samples[start:stop]
        signal = part if rate == RATE else soxr.resample(part, rate, RATE, quality="HQ")
        features = min(features_of(len(signal)), len(part) // (FRAMES_PER_FEATURE * hop))
        if features < 1:
            continue
        pitch = pitch_of(signal, features, analysis.pitch)
        if np.any(pitch > 0):
            yield {
                "samples": as_pcm(part[: FRAMES_PER_FEATURE * features * hop]),
                "f0": pitch,
                "signal": signal[: samples_of(features)],
            }


@torch.inference_mode()
def _listen(job: Job, speeds: Sequence[float], encoder: ContentEncoder, scratch: Scratch) -> None:
    """Content features of each slice beside what `_slice` left, [n, speeds · D]."""
    found = scratch.load(job.heard)
    counts = [int(count) for count in found["features"]]
    signals = np.split(found["signal"], np.cumsum([samples_of(count) for count in counts])[:-1])
    with one_thread():
        heard = [
            torch.cat([content_at_speed(signal, count, speed, encoder) for speed in speeds], dim=1)
            for signal, count in zip(signals, counts, strict=True)
        ]
    kept = {name: found[name] for name in ("samples", "f0", "features")}
    content = torch.cat(heard).float().cpu().numpy().astype(np.float16)
    scratch.save(job.fingerprint, {**kept, "content": content})


def _write(
    target: Path, jobs: Sequence[Job], old: SliceStore | None, scratch: Scratch, summary: Mapping[str, object]
) -> None:
    known = old.by_fingerprint if old else {}
    counts = {
        job.fingerprint: [row.features for row in known[job.fingerprint]]
        if job.fingerprint in known
        else [int(count) for count in scratch.load(job.fingerprint)["features"]]
        for job in jobs
    }
    rows = list(placed(row for job in jobs for row in _rows(job, counts[job.fingerprint])))

    def features_of_slice(row: StoredSlice) -> Features:
        number = int(row.slice_id.rpartition("/")[2])
        if old is not None and row.fingerprint in known:
            return old.views(known[row.fingerprint][number])
        before, features = sum(counts[row.fingerprint][:number]), row.features
        found, hop = scratch.load(row.fingerprint), FRAMES_PER_FEATURE * _hop(summary)
        return {
            name: found[name][before * step : (before + features) * step]
            for name, step in (("content", 1), ("f0", FRAMES_PER_FEATURE), ("samples", hop))
        }

    write_slices(target, rows, features_of_slice, summary)


def _rows(job: Job, counts: Sequence[int]) -> Iterator[StoredSlice]:
    one = job.utterance
    for number, features in enumerate(counts):
        yield StoredSlice(
            slice_id=f"{one.utterance_id}/{number}",
            corpus=job.corpus,
            speaker_id=one.speaker_id,
            language=one.language,
            split=one.split,
            consent=one.consent,
            fingerprint=job.fingerprint,
            start=0,
            features=features,
        )


def _hop(summary: Mapping[str, object]) -> int:
    analysis = summary["analysis"]
    return int(analysis["mel"]["hop_length"])  # type: ignore[index]
