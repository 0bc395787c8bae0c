"""Recordings and their text → codes and symbols: the features stage of VALL-E X."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from components.auxiliaries.codec.contract import Codec
from components.core.errors import DataError
from components.core.extraction import Extraction, FeatureReport
from components.core.storage import recover_folder, sha256_json, sha256_path
from components.core.utterance import LANGUAGES, PhonemeTiming, Utterance
from components.data.corpus import Corpus, rows_of
from components.features import audio
from components.features.audio import read_audio
from components.features.flat_store import nothing_usable
from components.features.incremental import Job, Known, reason_of
from components.features.mel import MelAnalysis
from components.features.placed_store import write_counting
from components.features.scratch import Features
from components.models.vallex.store import CodeStore, StoredSpeech
from components.nn.device import one_thread
from components.text import INVENTORY_VERSION, ids, inventory, phonemise


@dataclass(frozen=True)
class CodeJob(Job[StoredSpeech]):
    """One utterance to encode."""

    utterance: Utterance
    audio: Path
    symbols: tuple[int, ...]
    starts: tuple[float, ...]


def prepare(extraction: Extraction, codec: Codec, longest: int) -> FeatureReport:
    """Write the codes of all voices to learn from at ``target``.

    Symbols are those of ``alignments.csv`` where it has the utterance, else the front-end's. In worker
    processes, each with the codec; in this one if the codec is on a GPU. Incremental: what was encoded by the
    same codec is copied, and killed at any moment the old store stays.

    Args:
        extraction: corpora, target and shard; nothing of its analysis is used.
        longest: frames of codes; longer utterances are rejected.

    Raises:
        DataError: one id in two corpora, or no usable utterance (``details`` has the reasons).
    """
    target, shard = extraction.target, extraction.shard
    if shard is None:
        recover_folder(target)
    jobs, rejected = _jobs([Corpus(folder) for folder in extraction.corpora], codec)
    if shard is not None:
        jobs, rejected = jobs[shard[0] :: shard[1]], {}
    rows = len(jobs) + len(rejected)
    known = Known(CodeStore, target)
    pending = known.lacks(jobs)
    workers = extraction.workers if codec.device.type == "cpu" else 1
    encode = partial(_encoded, codec=codec, longest=longest)
    rejected |= known.compute(pending, encode, workers, extraction.progress, "utterances encoded")
    accepted = [job.row for job in jobs if job.name not in rejected]
    report = FeatureReport(rows, len(accepted), len(jobs) - len(pending), dict(sorted(rejected.items())))
    if shard is not None:
        return report
    if not accepted:
        raise nothing_usable("features of vallex", "usable utterance", rows, rejected)

    summary = {
        "codec": {"sha256": codec.sha256, "n_codebooks": codec.n_codebooks, "size": codec.codebook_size},
        "symbols": list(inventory()),
        "symbols_version": INVENTORY_VERSION,
        "rejected": report.rejected,
    }
    accepted.sort(key=lambda row: row.utterance_id)
    write_counting(target, CodeStore, accepted, known.features_of, summary)
    known.scratch.remove()
    return report


def teaches_vallex(utterance: Utterance) -> bool:
    """Whether VALL-E X may learn from a row: a voice for models, or a person with a transcript."""
    return utterance.role in {"model", "human"} and utterance.language in LANGUAGES and utterance.text != ""


def _encoded(job: CodeJob, codec: Codec, longest: int) -> Features:
    """codes [T, Q], symbols [L] and durations [L].

    Raises:
        DataError: unusable audio, too long, or more symbols than frames.
    """
    samples = read_audio(job.audio, job.utterance.sha256, _rate_of(codec))
    with one_thread():
        codes = codec.encode(torch.from_numpy(samples)[None])[0].t().cpu().numpy()
    if not len(job.symbols) <= len(codes) <= longest:
        raise DataError(
            who="recording",
            expected=f"{len(job.symbols)} (its symbols) to {longest} (the context) frames of codes",
            found=f"{len(codes)}",
            action="compare text and recording, or part it into sentences",
        )
    return {
        "codes": codes.astype(np.int16),
        "symbols": np.array(job.symbols, np.int16),
        "durations": _durations(job, len(codes), codec.hop / codec.sample_rate),
    }


def _durations(job: CodeJob, frames: int, frame_s: float) -> NDArray[np.float32]:
    """[L] frames of codes from a symbol's start to the next one's; all alike where no times are known."""
    if not job.starts:
        return np.full(len(job.symbols), frames / len(job.symbols), np.float32)
    inner = np.clip(np.array(job.starts[1:]) / frame_s, 0, frames)
    return np.diff(np.concatenate([[0.0], inner, [frames]])).astype(np.float32)


def _rate_of(codec: Codec) -> MelAnalysis:
    """What `read_audio` asks for: the rate. Nothing is demanded of the recording's bandwidth."""
    rate = codec.sample_rate
    return MelAnalysis(rate, codec.hop, codec.hop, codec.hop, n_mels=1, fmin=0.0, fmax=1.0, log_floor=1.0)


def _jobs(corpora: Sequence[Corpus], codec: Codec) -> tuple[list[CodeJob], dict[str, str]]:
    source = [sha256_path(Path(__file__)), sha256_path(Path(str(audio.__file__)))]
    key = sha256_json({"codec": codec.sha256, "symbols": INVENTORY_VERSION, "source": source})
    jobs: dict[str, CodeJob] = {}
    rejected: dict[str, str] = {}
    for corpus, row in rows_of(corpora, teaches_vallex):
        name = row.utterance_id
        timings = corpus.timings.get(name, ())
        try:
            symbols = tuple(ids(_symbols(row, timings)))
        except DataError as error:
            rejected[name] = reason_of(error)
            continue
        starts = tuple(phone.start_s for phone in timings)
        print_ = sha256_json({"key": key, "audio": row.sha256, "symbols": symbols, "starts": starts})
        stored = StoredSpeech(name, row.speaker_id, row.language, row.split, row.consent, print_)
        jobs[name] = CodeJob(stored, row, corpus.audio(row), symbols, starts)
    return [jobs[name] for name in sorted(jobs)], rejected


def _symbols(row: Utterance, timings: Sequence[PhonemeTiming]) -> tuple[str, ...]:
    known = tuple(phone.symbol for phone in timings)
    language = next(one for one in LANGUAGES if one == row.language)
    return known or phonemise(row.text, language).symbols
