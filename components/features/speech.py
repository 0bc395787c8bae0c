"""Features of transcribed speech for text-to-speech: mel, f0 and energy of each frame, and the symbols."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.core.errors import DataError
from components.core.extraction import Extraction, FeatureReport
from components.core.storage import recover_folder, sha256_json, sha256_path
from components.core.utterance import LANGUAGES, PhonemeTiming, Utterance
from components.data.corpus import Corpus, rows_of
from components.features.audio import read_audio
from components.features.durations import frame_durations
from components.features.energy import frame_energy
from components.features.flat_store import nothing_usable
from components.features.incremental import Job, Known, reason_of
from components.features.mel import MelAnalysis, log_mel, magnitudes
from components.features.pitch import PitchAnalysis, f0
from components.features.scratch import Features
from components.features.store import UNKNOWN_DURATION, FeatureStore, StoredUtterance
from components.features.store_writer import write_store
from components.text import phonemise

_KEPT = {"utterance_id", "speaker_id", "language", "split", "text", "consent"}


@dataclass(frozen=True)
class SpeechAnalysis:
    """Everything the features depend on, besides audio and alignment."""

    mel: MelAnalysis
    pitch: PitchAnalysis

    def key(self) -> str:
        """sha256 over the values and over the source that uses them: a change of either recomputes."""
        source = {path.name: sha256_path(path) for path in sorted(Path(__file__).parent.glob("*.py"))}
        return sha256_json({"analysis": asdict(self), "source": source})


@dataclass(frozen=True)
class SpeechJob(Job[StoredUtterance]):
    """One utterance to analyse. ``timings`` may be empty."""

    utterance: Utterance
    audio: Path
    symbols: tuple[str, ...]
    timings: tuple[PhonemeTiming, ...]


def extract_speech_features(
    extraction: Extraction, analysis: SpeechAnalysis, select: Callable[[Utterance], bool]
) -> FeatureReport:
    """Write the feature store of the selected utterances.

    Symbols are those of ``alignments.csv`` where it has the utterance, else the front-end's for its text.
    An utterance with more symbols than frames cannot be aligned and is rejected.

    Incremental: an utterance whose audio, symbols, times and analysis are as before is copied, not computed.
    Killed at any moment the old store stays, and the next run takes up what this one had computed. That is
    also how shards work: each computes its share at the same time as the others, then a call without a shard
    finds all of it and writes the store.

    Args:
        extraction: a rejection within a shard is not kept: the call that writes the store finds it again.
        select: which rows; called in this process only.

    Raises:
        DataError: one id in two corpora, or no usable row (``details`` has the reasons).
    """
    target, progress, shard = extraction.target, extraction.progress, extraction.shard
    if shard is None:
        recover_folder(target)
    jobs, rejected = _jobs([Corpus(folder) for folder in extraction.corpora], analysis, select)
    if shard is not None:
        number, count = shard
        jobs, rejected = jobs[number::count], {}
    rows = len(jobs) + len(rejected)
    known = Known(FeatureStore, target)
    pending = known.lacks(jobs)
    reused = len(jobs) - len(pending)
    progress.say(f"{rows} utterances: {len(pending)} to compute, {reused} as before")
    work = partial(_compute, analysis=analysis)
    rejected |= known.compute(pending, work, extraction.workers, progress, "utterances")
    accepted = [job.row for job in jobs if job.name not in rejected]
    if shard is not None:
        return FeatureReport(rows, len(accepted), reused, dict(sorted(rejected.items())))
    if not accepted:
        raise nothing_usable("features", "usable utterance", rows, rejected)
    accepted.sort(key=lambda row: row.utterance_id)
    write_store(target, accepted, known.features_of, asdict(analysis), dict(sorted(rejected.items())))
    known.scratch.remove()
    return FeatureReport(rows, len(accepted), reused, dict(sorted(rejected.items())))


def analyse(
    samples: NDArray[np.float32],
    symbols: Sequence[str],
    timings: Sequence[PhonemeTiming],
    analysis: SpeechAnalysis,
) -> Features:
    """The features of one utterance.

    Args:
        samples: [N] mono in [-1, 1] at ``analysis.mel.sample_rate``.
        symbols: what is spoken, [L].
        timings: when, one a symbol; empty where nobody knows.

    Returns:
        The fields of `store.UtteranceFeatures`, but ``symbols`` [L] as strings in place of ``symbol_ids``.

    Raises:
        DataError: audio, symbols or times that cannot be used.
    """
    mel = analysis.mel
    frames = mel.frames(len(samples))
    if not 0 < len(symbols) <= frames:
        raise DataError(
            who="text",
            expected=f"1 to {frames} symbols, each at least one frame of {1000 * mel.hop_s:.1f} ms",
            found=f"{len(symbols)}",
            action="compare text and recording; one of them is not the other's",
        )
    pitch = f0(samples, mel.sample_rate, mel.hop_length, analysis.pitch)
    magnitude = magnitudes(samples, mel)
    return {
        "mel": log_mel(magnitude, mel),
        "f0": pitch,
        "energy": frame_energy(magnitude),
        "symbols": np.array(symbols),
        "true_durations": (
            frame_durations(timings, frames, mel.hop_s, len(samples) / mel.sample_rate)
            if timings
            else np.full(len(symbols), UNKNOWN_DURATION, np.int32)
        ),
    }


def _jobs(
    corpora: Sequence[Corpus], analysis: SpeechAnalysis, select: Callable[[Utterance], bool]
) -> tuple[list[SpeechJob], dict[str, str]]:
    key = analysis.key()
    jobs: dict[str, SpeechJob] = {}
    rejected: dict[str, str] = {}
    for corpus, row in rows_of(corpora, select):
        name = row.utterance_id
        timings = corpus.timings.get(name, ())
        try:
            symbols = tuple(phone.symbol for phone in timings) or _symbols(row)
        except DataError as error:
            rejected[name] = reason_of(error)
            continue
        times = [(phone.start_s, phone.end_s) for phone in timings]
        spoken = {"key": key, "audio": row.sha256, "symbols": symbols, "times": times}
        stored = StoredUtterance(
            corpus=corpus.name, fingerprint=sha256_json(spoken), **row.model_dump(include=_KEPT)
        )
        jobs[name] = SpeechJob(stored, row, corpus.audio(row), symbols, timings)
    return list(jobs.values()), rejected


def _symbols(row: Utterance) -> tuple[str, ...]:
    """The front-end's symbols; what the inventory lacks stays in as unknown.

    Raises:
        DataError: no text, or a language without a front-end.
    """
    if row.language not in LANGUAGES or not row.text:
        raise DataError(
            who="text",
            expected=f"a transcript in one of {', '.join(LANGUAGES)}",
            found=f"{'one' if row.text else 'none'} in {row.language}",
            action="transcribe the recording, or leave it to models that need no text",
        )
    return phonemise(row.text, row.language).symbols


def _compute(job: SpeechJob, analysis: SpeechAnalysis) -> Features:
    """Runs in a worker; see `analyse`.

    Raises:
        DataError: audio, symbols or times that cannot be used.
    """
    samples = read_audio(job.audio, job.utterance.sha256, analysis.mel)
    return analyse(samples, job.symbols, job.timings, analysis)
