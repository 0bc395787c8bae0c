"""Each raw row becomes an utterance or a named rejection; accepted + rejected = rows, always."""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import get_args

from components.core.params.data import DataParams
from components.core.progress import Progress
from components.core.storage import sha256_path
from components.core.utterance import LANGUAGES, Role, UntranscribedLanguage, Utterance
from components.data import wav
from components.data.consent import Consents
from components.data.duplicates import Candidate, settle
from components.data.flac import is_flac, unpack
from components.data.names import name_fault
from components.data.rejection import Refused, Rejection
from components.data.source import RawRow, Source
from components.data.splits import split_of
from components.data.timings import timing_fault
from components.data.wav import BadWavError

_UNTRANSCRIBED = get_args(UntranscribedLanguage)
_ROLES = get_args(Role)


@dataclass(frozen=True)
class Standing:
    """What already stands and a new row must agree with.

    Attributes:
        rows: recordings of this corpus that stay whatever the source says, by id.
        taken: ids of other corpora → corpus name.
        consents: every consent record that counts, the source's among them.
    """

    rows: Mapping[str, Utterance]
    taken: Mapping[str, str]
    consents: Consents


@dataclass(frozen=True)
class Verdict:
    """The outcome for a whole source; ``len(accepted) + len(rejected)`` is the number of its rows."""

    accepted: tuple[Candidate, ...]
    rejected: tuple[Rejection, ...]


@dataclass(frozen=True)
class Acceptance:
    """The rules.

    Attributes:
        seed: of the splits.
        today: the day on which consent must hold.
        scratch: folder for recordings that have to be unpacked; what is accepted may lie there.
    """

    params: DataParams
    seed: int
    today: datetime.date
    scratch: Path

    def judge(self, source: Source, standing: Standing, progress: Progress) -> Verdict:
        """Judge every row of ``source``."""
        candidates: list[Candidate] = []
        rejected: list[Rejection] = []
        for row in progress.track(source.rows, len(source.rows), "recordings checked"):
            try:
                candidates.append(self._candidate(row, source, standing))
            except Refused as refused:
                rejected.append(refused.of(row))
        accepted, doubles = settle(candidates, standing.rows)
        rejected = sorted([*rejected, *doubles], key=lambda rejection: rejection.row)
        return Verdict(tuple(accepted), tuple(rejected))

    def _candidate(self, row: RawRow, source: Source, standing: Standing) -> Candidate:
        """The utterance of one row, looked at alone.

        Raises:
            Refused: with the first reason found, cheap checks before the audio.
        """
        if row.problem:
            raise Refused("malformed_row", "a row in the source's format", row.problem)
        utterance_id = _name(row.utterance_id, "utterance_id", suffix=".wav")
        speaker_id = _name(row.speaker_id, "speaker_id")
        if utterance_id in standing.taken:
            raise Refused("id_of_another_corpus", "an id of its own", f"in {standing.taken[utterance_id]}")
        text = self._text(row, source)
        if row.role not in _ROLES:
            raise Refused("unknown_role", f"one of {', '.join(_ROLES)}", repr(row.role))
        if not row.licence.strip():
            raise Refused("missing_licence", "an SPDX id or the agreement's name", "nothing")
        self._check_consent(row, speaker_id, standing.consents)
        audio = self._as_wav(_inside(source.folder, row.audio), row.number)
        facts = self._facts(audio)
        fault = timing_fault(source.timings.get(row.utterance_id, ()), facts.duration_s)
        if fault:
            raise Refused("broken_alignment", "phonemes in order and within the recording", fault)
        utterance = Utterance.model_validate(
            {
                "utterance_id": utterance_id,
                "speaker_id": speaker_id,
                "language": row.language,
                "text": text,
                "path": str(PurePosixPath("wav", speaker_id, f"{utterance_id}.wav")),
                "duration_s": facts.duration_s,
                "sample_rate": facts.sample_rate,
                "split": split_of(text, row.language, utterance_id, self.params.splits, self.seed),
                "role": row.role,
                "consent": row.consent,
                "licence": row.licence.strip(),
                "sha256": _sha256(audio),
            }
        )
        return Candidate(row, utterance, audio)

    def _text(self, row: RawRow, source: Source) -> str:
        languages = (*self.params.languages, *_UNTRANSCRIBED)
        if row.language not in languages:
            raise Refused("unknown_language", f"one of {', '.join(languages)}", repr(row.language))
        text = unicodedata.normalize("NFC", row.text).strip()
        if not text and source.transcribed and row.language in LANGUAGES:
            raise Refused("empty_text", "the words that are spoken", "nothing")
        if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
            raise Refused("unreadable_text", "one line without control characters", ascii(text[:40]))
        return text

    def _check_consent(self, row: RawRow, speaker_id: str, consents: Consents) -> None:
        record = consents.get(row.consent)
        if record is None:
            raise Refused("missing_consent", "the id of a record in consent.csv", repr(row.consent))
        objection = record.objection(speaker_id, self.today)
        if objection:
            raise Refused("invalid_consent", f"a consent that holds on {self.today}", objection)

    def _as_wav(self, audio: Path, number: int) -> Path:
        """The recording itself, or the WAV that a FLAC was made from."""
        try:
            return unpack(audio, self.scratch / f"{number}.wav") if is_flac(audio) else audio
        except BadWavError as bad:
            raise Refused(bad.reason, bad.expected, bad.found) from bad
        except OSError as error:
            raise Refused("unreadable_file", "a file that can be read", str(error.strerror)) from error

    def _facts(self, audio: Path) -> wav.WavFacts:
        limits = self.params.validation
        try:
            facts = wav.inspect(audio)
            if facts.encoding not in limits.allowed_encodings:
                raise Refused("unsupported_encoding", " or ".join(limits.allowed_encodings), facts.encoding)
            if facts.channels != 1:
                # Which channel holds the speaker is for the person who recorded it to say, so no mixing here.
                raise Refused("stereo", "1 channel (mix down before ingest)", f"{facts.channels} channels")
            if facts.sample_rate not in limits.allowed_sample_rates_hz:
                allowed = ", ".join(map(str, limits.allowed_sample_rates_hz))
                raise Refused("sample_rate", f"one of {allowed} Hz", f"{facts.sample_rate} Hz")
            if facts.duration_s < limits.duration_min_s:
                raise Refused("too_short", f"{limits.duration_min_s} s or more", f"{facts.duration_s} s")
            if facts.duration_s > limits.duration_max_s:
                raise Refused("too_long", f"{limits.duration_max_s} s or less", f"{facts.duration_s} s")
            wav.check_finite(audio, facts)
        except BadWavError as bad:
            raise Refused(bad.reason, bad.expected, bad.found) from bad
        except OSError as error:
            raise Refused("unreadable_file", "a file that can be read", str(error.strerror)) from error
        return facts


def _name(value: str, what: str, suffix: str = "") -> str:
    name = unicodedata.normalize("NFC", value).strip()
    fault = name_fault(name, suffix)
    if fault:
        raise Refused("bad_name", f"a {what} that can name a file", fault)
    return name


def _inside(folder: Path, written: str) -> Path:
    """The file a row names, whichever Unicode form its name has on disk.

    Raises:
        Refused: absolute, leading out of the folder (also by a link), missing, or no file.
    """
    path = PurePosixPath(written)
    if not written or "\0" in written:
        raise Refused("missing_file", "the path of a recording", ascii(written))
    if path.is_absolute() or ".." in path.parts:
        raise Refused("path_outside", "a path below the source folder", written)
    try:
        return _existing(folder, written)
    except (OSError, RuntimeError) as error:  # a name too long for the file system; a loop of links
        raise Refused("unreadable_file", "a path that can be followed", str(error)[:120]) from error


def _existing(folder: Path, written: str) -> Path:
    spellings = (written, unicodedata.normalize("NFC", written), unicodedata.normalize("NFD", written))
    found = next((folder / name for name in spellings if (folder / name).exists()), None)
    if found is None:
        raise Refused("missing_file", "a recording", f"no file {written}")
    resolved = found.resolve(strict=True)
    if not resolved.is_relative_to(folder.resolve()):
        raise Refused("path_outside", "a path below the source folder", f"{written} links out of it")
    if not resolved.is_file():
        raise Refused("missing_file", "a recording", f"{written} is no file")
    return resolved


def _sha256(audio: Path) -> str:
    try:
        return sha256_path(audio)
    except OSError as error:
        raise Refused("unreadable_file", "a file that can be read", str(error.strerror)) from error
