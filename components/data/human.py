"""The recorded part of the embedded corpus: the voice prompts of Debian's Asterisk packages.

One person a language, 16 kHz G.722, no transcript: it serves voice conversion, codec and content encoder.
``apt-get download`` needs no root; a machine without apt simply has no recorded part.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.core.params.data import HumanParams
from components.core.progress import Progress
from components.core.storage import atomic_folder, recover_folder
from components.data.consent import ConsentRecord
from components.data.pcm import write_pcm16
from components.data.source_tables import SourceRow, write_source_tables


@dataclass(frozen=True)
class Narrator:
    """Who speaks a package's prompts, and under which licence (from its copyright file)."""

    speaker_id: str
    licence: str
    name: str


#: English and Spanish are one person, so they share one speaker id.
NARRATORS: dict[str, Narrator] = {
    "it": Narrator("human_carlo_flora", "CC-BY-3.0", "Carlo Flora"),
    "ru": Narrator("human_ivrvoice_ru", "CC-BY-3.0", "IVRVoice.ru"),
    "en": Narrator("human_allison_smith", "CC-BY-SA-3.0", "Allison Smith"),
    "es": Narrator("human_allison_smith", "CC-BY-SA-3.0", "Allison Smith"),
    "fr": Narrator("human_june_wallack", "CC-BY-SA-3.0", "June Wallack"),
}
_TOOLS = ("apt-get", "dpkg-deb")
_SOUNDS = Path("usr/share/asterisk/sounds")
#: Prompts that hold no voice.
_NO_VOICE = ("silence", "beep")


@dataclass(frozen=True)
class Fetched:
    """What was written: clips, and seconds of them, over all languages."""

    clips: int
    seconds: float


@dataclass(frozen=True)
class Skipped:
    """Why there is no recorded part, in one line."""

    reason: str


class _UnavailableError(Exception):
    """A package could not be had; the message is the reason."""


def credit(speaker_id: str) -> str:
    """Whose name CC-BY asks for, and where the prompts come from; "" for anybody else."""
    names = {one.name for one in NARRATORS.values() if one.speaker_id == speaker_id}
    return f"{names.pop()}, voice prompts of Asterisk" if names else ""


def fetch(params: HumanParams, target: Path, progress: Progress) -> Fetched | Skipped:
    """Download, unpack and decode the prompts of ``params.languages`` into a generic source folder.

    All languages or nothing: when one cannot be had, ``target`` stays as it was.

    Raises:
        StorageError: ``target`` cannot be written.
    """
    if not params.languages:
        return Skipped("no languages in data.embedded.human.languages")
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        return Skipped(
            f"{' and '.join(missing)} not found: the recorded part needs a Debian or Ubuntu machine"
        )
    with tempfile.TemporaryDirectory(prefix="asterisk-") as scratch:
        try:
            sounds: dict[str, Path] = {
                language: _unpacked(language, Path(scratch), params.download_timeout_s, progress)
                for language in params.languages
            }
        except _UnavailableError as error:
            return Skipped(str(error))
        return _write(params, sounds, target, progress)


def _unpacked(language: str, scratch: Path, timeout_s: float, progress: Progress) -> Path:
    """The folder with a package's prompts.

    Raises:
        _UnavailableError: no such package, no network, or a broken archive.
    """
    package = f"asterisk-core-sounds-{language}-g722"
    progress.say(f"downloading {package}")
    folder = scratch / language
    folder.mkdir()
    _run(package, ["apt-get", "download", "-qq", package], folder, timeout_s)
    archives = sorted(folder.glob("*.deb"))
    if len(archives) != 1:
        reason = f"{package}: apt-get download left {len(archives)} archives instead of 1"
        raise _UnavailableError(reason)
    _run(package, ["dpkg-deb", "-x", archives[0].name, "files"], folder, timeout_s)
    return folder / "files" / _SOUNDS


def _run(package: str, command: list[str], folder: Path, timeout_s: float) -> None:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(  # noqa: S603 - fixed programs, a package name from the table above
            command, cwd=folder, env=environment, timeout=timeout_s, check=True, capture_output=True
        )
    except subprocess.TimeoutExpired as error:
        reason = f"{package}: {command[0]} gave no answer within {timeout_s:g} s"
        raise _UnavailableError(reason) from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
        reason = f"{package}: {command[0]} failed: {said[-1]} (try `apt-get update`)"
        raise _UnavailableError(reason) from error


def _write(
    params: HumanParams, sounds: dict[str, Path], target: Path, progress: Progress
) -> Fetched | Skipped:
    rows: list[SourceRow] = []
    total_s = 0.0
    started = time.monotonic()
    recover_folder(target)
    with atomic_folder(target) as folder:
        (folder / "wav").mkdir()
        for done, (language, prompts) in enumerate(sounds.items(), start=1):
            for number, samples in enumerate(_clips(prompts, params)):
                row = _source_row(language, number)
                write_pcm16(folder / row.audio, samples, params.sample_rate_hz)
                rows.append(row)
                total_s += len(samples) / params.sample_rate_hz
            progress.update(done, len(sounds), started, f"{language} decoded, {len(rows)} clips")
        consents = {row.consent: _consent(row) for row in rows}
        write_source_tables(folder, rows, list(consents.values()), {})
    return Fetched(len(rows), round(total_s, 3))


def _clips(prompts: Path, params: HumanParams) -> Iterator[npt.NDArray[np.int16]]:
    """Prompts of the right length, in name order, up to the minutes allowed."""
    shortest, longest = (
        seconds * params.sample_rate_hz for seconds in (params.min_duration_s, params.max_duration_s)
    )
    left = round(params.max_minutes_per_language * 60 * params.sample_rate_hz)
    for path in sorted(prompts.rglob("*.g722")):
        if any(part.startswith(_NO_VOICE) for part in path.relative_to(prompts).parts[1:]):
            continue
        samples = decode_g722(path)
        if not shortest <= len(samples) <= longest:
            continue
        left -= len(samples)
        if left < 0:
            return
        yield samples


def decode_g722(path: Path) -> npt.NDArray[np.int16]:
    """Raw G.722 (ITU-T, 64 kbit/s) → int16 [n] at 16,000 Hz; libsndfile cannot read it."""
    import av

    with av.open(str(path), format="g722") as container:
        blocks = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    return np.concatenate(blocks).astype(np.int16) if blocks else np.zeros(0, dtype=np.int16)


def _source_row(language: str, number: int) -> SourceRow:
    narrator = NARRATORS[language]
    utterance_id = f"{narrator.speaker_id}_{language}_{number:04d}"
    return SourceRow(
        utterance_id=utterance_id,
        speaker_id=narrator.speaker_id,
        language=language,
        text="",
        audio=f"wav/{utterance_id}.wav",
        role="human",
        licence=narrator.licence,
        consent=f"licence-{narrator.speaker_id}",
    )


def _consent(row: SourceRow) -> ConsentRecord:
    return ConsentRecord.of_licence(row.consent, row.speaker_id)
