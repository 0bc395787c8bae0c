"""Renders the reference speech and keeps its mels and labels; nothing of it stands in git."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from components.auxiliaries.recogniser.hearing import listen, pitch_track
from components.auxiliaries.recogniser.labels import segments, tones
from components.auxiliaries.recogniser.params import Hearing, Section
from components.auxiliaries.recogniser.reference import Utterance, utterances
from components.auxiliaries.recogniser.store import ReferenceStore, Row, write_reference_store
from components.core.errors import DataError
from components.core.extraction import FeatureReport
from components.core.params.data import AudioParams, DataParams
from components.core.progress import Progress
from components.core.storage import recover_folder, sha256_json, sha256_path
from components.espeak import synthesise
from components.features.incremental import Job, Known
from components.features.mel import MelAnalysis
from components.features.scratch import Features
from components.text import INVENTORY_VERSION, UNK, phonemise, spoken, symbol_timings

_INT16_FULL_SCALE = 32768


@dataclass(frozen=True)
class ReferenceJob(Job[Row]):
    """One utterance to render."""

    utterance: Utterance


def prepare(
    section: Section,
    audio: AudioParams,
    data: DataParams,
    target: Path,
    seed: int,
    workers: int,
    progress: Progress,
) -> FeatureReport:
    """Write the store at ``target``.

    Incremental: what an earlier or a killed run rendered from the same text, voice and analysis is reused.
    The old store stays until the new one is complete.

    Raises:
        DataError: nothing could be rendered.
    """
    recover_folder(target)
    hearing = section.architecture.hearing
    analysis = MelAnalysis.of(hearing, audio.log_floor)
    key = _key(hearing, analysis)
    jobs = [_job(one, key) for one in utterances(section.training.reference, data, seed)]
    known = Known(ReferenceStore, target)
    pending = known.lacks(jobs)
    progress.say(f"{len(jobs)} utterances: {len(pending)} to render, {len(jobs) - len(pending)} as before")
    work = partial(_heard, hearing=hearing, analysis=analysis)
    rejected = known.compute(pending, work, workers, progress, "utterances")
    rows = _accepted(jobs, rejected)
    write_reference_store(
        target, rows, known.features_of, {"analysis": asdict(analysis), "rejected": rejected}
    )
    known.scratch.remove()
    return FeatureReport(len(jobs), len(rows), len(jobs) - len(pending), rejected)


def heard_in(utterance: Utterance, hearing: Hearing, analysis: MelAnalysis) -> Features:
    """Render one utterance: mel float16 [T, n_mels], pitch [T] (Mandarin) or [0], segments [L] as strings,
    tones int8 [K].

    Raises:
        DataError: the text holds what the front-end cannot say, or nothing; or espeak-ng read it otherwise
            (it spells out letters that no word combines), so that the labels are not in the sound.
    """
    phonemes = phonemise(utterance.text, utterance.language)
    if phonemes.unknown or UNK in phonemes.symbols:
        raise DataError(
            who=utterance.utterance_id,
            expected="a text that the front-end can say whole",
            found=f"unknown {' '.join(phonemes.unknown) or UNK}",
            action="mend the text",
        )
    speech = synthesise(
        spoken(utterance.text, utterance.language),
        utterance.language,
        utterance.voice,
        utterance.words_per_minute,
    )
    symbol_timings(utterance.language, phonemes.symbols, speech.timings)  # refuses what was read otherwise
    rate = speech.sample_rate_hz
    silences = (utterance.silence_before_s, utterance.silence_after_s)
    before, after = (np.zeros(round(seconds * rate), dtype=np.float32) for seconds in silences)
    samples = np.concatenate([before, speech.samples.astype(np.float32) / _INT16_FULL_SCALE, after])
    toned = tones(phonemes.symbols)
    pitch = pitch_track(samples, rate, hearing, analysis) if toned else np.zeros(0)
    return {
        "mel": listen(samples, rate, analysis).astype(np.float16),
        "pitch": pitch.astype(np.float16),
        "segments": np.array(segments(phonemes.symbols), dtype=np.str_),
        "tones": np.array(toned, dtype=np.int8),
    }


def _heard(job: ReferenceJob, hearing: Hearing, analysis: MelAnalysis) -> Features:
    return heard_in(job.utterance, hearing, analysis)


def _job(utterance: Utterance, key: str) -> ReferenceJob:
    row = Row(
        utterance_id=utterance.utterance_id,
        part=utterance.part,
        language=utterance.language,
        variant=utterance.voice.variant,
        text=utterance.text,
        fingerprint=sha256_json({"key": key, "utterance": asdict(utterance)}),
    )
    return ReferenceJob(row, utterance)


def _accepted(jobs: list[ReferenceJob], rejected: Mapping[str, str]) -> list[Row]:
    rows = [job.row for job in jobs if job.name not in rejected]
    if not rows:
        raise DataError(
            who="reference speech of the recogniser",
            expected="at least one utterance",
            found=f"{len(jobs)} asked for, none rendered",
            action="run `python -m components doctor`: espeak-ng or a front-end does not work",
        )
    return sorted(rows, key=lambda row: row.utterance_id)


def _key(hearing: Hearing, analysis: MelAnalysis) -> str:
    """sha256 over the analysis and the source that renders and labels: a change of either renders anew."""
    here = Path(__file__).parent
    rooms = (here.parents[1] / "espeak", here.parents[1] / "text")
    sources = [here / name for name in ("hearing.py", "labels.py", "prepare.py")]
    sources += [path for room in rooms for path in sorted(room.rglob("*")) if path.suffix in (".py", ".csv")]
    return sha256_json(
        {
            "analysis": asdict(analysis),
            "pitch": [hearing.f0_floor_hz, hearing.f0_ceil_hz],
            "inventory": INVENTORY_VERSION,
            "source": {str(path.relative_to(here.parents[1])): sha256_path(path) for path in sources},
        }
    )
