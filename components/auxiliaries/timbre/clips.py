"""What the network learns from: mel and f0 of utterances, memory-mapped one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np

from components.core.extraction import Extraction, FeatureReport
from components.core.storage import sha256_json, sha256_path
from components.core.utterance import Utterance
from components.data.corpus import Corpus
from components.features import audio, mel, pitch
from components.features.audio import read_audio
from components.features.incremental import Job, extract
from components.features.mel import MelAnalysis, log_mel, magnitudes
from components.features.pitch import PitchAnalysis, f0_where_voiced
from components.features.placed_store import FRAMES, PlacedStore
from components.features.recorded_clips import WANTED, spread, teaches_auxiliaries
from components.features.scratch import Features


@dataclass(frozen=True)
class StoredSound:
    """One row of the index; the offset is into the flat arrays.

    Attributes:
        clip_id, speaker, split: the utterance's.
        fingerprint: of audio and analysis.
    """

    clip_id: str
    speaker: str
    split: str
    fingerprint: str
    frame_start: int = 0
    frames: int = 0


class SoundStore(PlacedStore[StoredSound]):
    """Reads a store; rows are sorted by clip id.

    Views: mel [T, n_mels] float16 ln amplitudes, f0 [T] Hz with 0 where unvoiced.
    """

    row_type = StoredSound
    fields = MappingProxyType({"mel": np.float16, "f0": np.float32})
    places = MappingProxyType({"mel": FRAMES, "f0": FRAMES})
    format = 1
    remedy = "delete the folder and run `make pretrain MODEL=timbre` again"

    def of_split(self, split: str) -> list[StoredSound]:
        """The clips of a split, in index order."""
        return [row for row in self.rows if row.split == split]


@dataclass(frozen=True)
class SoundJob(Job[StoredSound]):
    """One clip to make."""

    utterance: Utterance
    audio: Path


def prepare(
    extraction: Extraction, analysis: MelAnalysis, pitch_analysis: PitchAnalysis, most: int
) -> FeatureReport:
    """Write mel and f0 of the voices that models learn, and of recorded people.

    Incremental; see `components.features.incremental.extract`.

    Args:
        most: clips of a voice in a split; evenly spread over its own.

    Raises:
        DataError: no usable recording (``details`` has the reasons).
    """
    e = extraction
    jobs = _jobs([Corpus(folder) for folder in e.corpora], analysis, pitch_analysis, most)
    make = partial(_sound, analysis=analysis, pitch_analysis=pitch_analysis)
    summary = {"mel": asdict(analysis), "pitch": asdict(pitch_analysis)}
    return extract(
        e.target, SoundStore, jobs, make, summary, e.workers, e.progress, who="timbre", wanted=WANTED
    )


def _jobs(
    corpora: Sequence[Corpus], analysis: MelAnalysis, pitch_analysis: PitchAnalysis, most: int
) -> list[SoundJob]:
    modules = (__file__, audio.__file__, mel.__file__, pitch.__file__)
    source = [sha256_path(Path(str(one))) for one in modules]
    key = sha256_json({"mel": asdict(analysis), "pitch": asdict(pitch_analysis), "source": source})
    own: dict[tuple[str, str], list[tuple[Utterance, Path]]] = {}
    for corpus in corpora:
        for row in filter(teaches_auxiliaries, corpus.rows):
            own.setdefault((row.speaker_id, row.split), []).append((row, corpus.audio(row)))
    return [
        SoundJob(StoredSound(row.utterance_id, row.speaker_id, row.split, print_), row, path)
        for found in own.values()
        for row, path in spread(found, most)
        for print_ in [sha256_json({"key": key, "audio": row.sha256})]
    ]


def _sound(job: SoundJob, analysis: MelAnalysis, pitch_analysis: PitchAnalysis) -> Features:
    """See `SoundStore`.

    Raises:
        DataError: unusable audio.
    """
    samples = read_audio(job.audio, job.utterance.sha256, analysis)
    course = f0_where_voiced(samples, analysis.sample_rate, analysis.hop_length, pitch_analysis)
    heard = log_mel(magnitudes(samples, analysis), analysis)
    count = min(len(heard), len(course))
    return {"mel": heard[:count].astype(np.float16), "f0": course[:count].astype(np.float32)}
