"""Whatever recordings of a person there are → a source folder that ingest takes: cut, checked, listed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.core.errors import DataError
from components.core.params.data import DataParams, NewSpeakerParams
from components.core.progress import Progress
from components.data.any_audio import OpenRecording, opened, unusable
from components.data.consent import ConsentRecord
from components.data.pcm import write_pcm16
from components.data.source_tables import SourceRow, write_source_tables
from components.features.clips import clips
from components.features.pcm import as_pcm
from components.features.slices import SliceRules
from components.validation.audio_statistics import measure

_BLOCK_S = 10.0
"""Read at once; bounds the memory and nothing else."""
_ID_DIGITS = 12
_UNNAMED = ".part.wav"


@dataclass(frozen=True)
class Person:
    """Whose recordings they are, as every row of the list says."""

    speaker: str
    language: str
    licence: str
    consent: ConsentRecord


@dataclass(frozen=True)
class Prepared:
    """What became of the files.

    Attributes:
        rows: clips.
        seconds: of the clips together.
        given_s: of all files that could be read.
        left_out: a sentence for each file, or part of one, that is not used.
    """

    rows: tuple[SourceRow, ...]
    seconds: float
    given_s: float
    left_out: tuple[str, ...]


def recordings(given: Path) -> list[Path]:
    """The file, or every file below a folder that is not hidden, by name.

    Raises:
        DataError: nothing there.
    """
    if given.is_file():
        return [given]
    below = sorted(path for path in given.rglob("*") if path.is_file()) if given.is_dir() else []
    found = [
        path for path in below if not any(part.startswith(".") for part in path.relative_to(given).parts)
    ]
    if not found:
        raise DataError(
            who=str(given),
            expected="a recording, or a folder of recordings",
            found="an empty folder" if given.is_dir() else "nothing there",
            action="correct --audio",
        )
    return found


def prepare(
    files: Sequence[Path],
    person: Person,
    params: DataParams,
    needed_hz: float,
    target: Path,
    progress: Progress,
) -> Prepared:
    """Cut every file into clips of speech in ``target/wav`` and list them as a source folder.

    The clips of a file are named by its sound: the same recording gives the same ids, whatever it is called
    and also as FLAC.

    Args:
        needed_hz: what the model asks of a recording's rate; below it the highest sounds are not there.
        target: an empty folder.
    """
    (target / "wav").mkdir(parents=True)
    cutting = _Cutting(person, params, needed_hz, target)
    for path in progress.track(files, len(files), "recordings cut"):
        cutting.take(path)
    write_source_tables(target, cutting.rows, [person.consent], {})
    return Prepared(tuple(cutting.rows), cutting.seconds, cutting.given_s, tuple(cutting.left_out))


class _Cutting:
    """The files so far."""

    def __init__(self, person: Person, params: DataParams, needed_hz: float, target: Path) -> None:
        self._person, self._params, self._target, self._needed_hz = person, params, target, needed_hz
        self._known: dict[str, Path] = {}
        self.rows: list[SourceRow] = []
        self.left_out: list[str] = []
        self.seconds = self.given_s = 0.0

    def take(self, path: Path) -> None:
        """One file: its clips, or why there are none."""
        try:
            with opened(path, _BLOCK_S) as recording:
                self._cut(path, recording)
        except DataError as error:
            self.left_out.append(f"{error.who}: expected {error.expected}, found {error.found}")
        for left in (self._target / "wav").glob(f"*{_UNNAMED}"):
            left.unlink()

    def _cut(self, path: Path, recording: OpenRecording) -> None:
        rate = self._rate(path, recording.rate)
        sound = hashlib.sha256(f"{recording.rate}".encode())
        made: list[tuple[Path, float]] = []
        faults: list[str] = []
        parts = clips(self._listened(recording, sound), recording.rate, *self._how())
        for place, clip in enumerate(parts):
            unnamed = self._target / "wav" / f"{place:04d}{_UNNAMED}"
            fault = self._written(clip, recording.rate, rate, unnamed)
            if fault:
                faults.append(fault)
            else:
                made.append((unnamed, len(clip) / recording.rate))
        digest = sound.hexdigest()[:_ID_DIGITS]
        twin = self._known.setdefault(digest, path)
        if twin != path:
            raise unusable(path, "a recording of its own", f"the same sound as {twin.name}")
        told = "; ".join(sorted(set(faults)))
        if not made:
            raise unusable(path, "speech", told or f"none of {self._params.new_speaker.clip_min_s:g} s")
        if faults:
            self.left_out.append(f"{path.name}: {len(faults)} of {place + 1} clips left out: {told}")
        for unnamed, seconds in made:
            row = self._row(f"{self._person.speaker}_{digest}_{unnamed.name.removesuffix(_UNNAMED)}")
            unnamed.rename(self._target / row.audio)
            self.rows.append(row)
            self.seconds += seconds

    def _how(self) -> tuple[SliceRules, float]:
        new = self._params.new_speaker
        return _rules(new), new.stretch_s

    def _listened(self, recording: OpenRecording, sound: hashlib._Hash) -> Iterator[NDArray[np.float32]]:
        """The blocks as they pass; the same sound in another file format has the same digest."""
        for block in recording.blocks:
            sound.update(as_pcm(block).tobytes())
            self.given_s += len(block) / recording.rate
            yield block

    def _rate(self, path: Path, own: int) -> int:
        """Hz of the clips: the recording's own, or the highest below it that the corpus may hold."""
        allowed = [hz for hz in self._params.validation.allowed_sample_rates_hz if hz >= self._needed_hz]
        fitting = [hz for hz in allowed if hz <= own]
        if own < self._needed_hz or not fitting:
            least = max(self._needed_hz, min(allowed, default=0))
            raise unusable(path, f"at least {least:g} Hz, as the model learns", f"{own} Hz")
        return max(fitting)

    def _row(self, utterance_id: str) -> SourceRow:
        person = self._person
        return SourceRow(
            utterance_id=utterance_id,
            speaker_id=person.speaker,
            language=person.language,
            text="",
            audio=f"wav/{utterance_id}.wav",
            role="human",
            licence=person.licence,
            consent=person.consent.consent_id,
        )

    def _written(self, clip: NDArray[np.float32], own: int, rate: int, path: Path) -> str:
        """Write a clip and look at it as validation will; what is wrong with it, "" for nothing."""
        import soxr

        samples = clip if own == rate else soxr.resample(clip, own, rate, quality="HQ")
        write_pcm16(path, as_pcm(samples), rate)
        limits = self._params.validation
        found = measure(path, limits.silence_dbfs)
        if found.clipping_share > limits.clipping_max_share:
            return f"recorded too loud (more than {limits.clipping_max_share:.1%} of the samples clipped)"
        if found.peak_dbfs < limits.silence_dbfs or found.silence_share > limits.silence_max_share:
            return f"almost silent (below {limits.silence_dbfs:g} dBFS)"
        return ""


def _rules(new: NewSpeakerParams) -> SliceRules:
    return SliceRules(
        silence_db=new.silence_db,
        min_silence_s=new.min_silence_s,
        keep_silence_s=new.keep_silence_s,
        min_s=new.clip_min_s,
        max_s=new.clip_max_s,
        overlap_s=0.0,
    )
