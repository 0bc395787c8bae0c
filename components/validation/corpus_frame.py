"""One table for the expectations: each manifest row, what its audio measures, and what it contradicts."""

from __future__ import annotations

import datetime
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from components.core.progress import Progress
from components.core.utterance import Utterance
from components.data.corpus import Corpus
from components.data.csv_table import FIRST_ROW
from components.data.manifest import MANIFEST_NAME
from components.data.splits import Leak, sentence_leaks, speaker_leaks
from components.validation.audio_statistics import FRAME_S, AudioStatistics, measure_all
from components.validation.text_statistics import characters_per_second, script_share

if TYPE_CHECKING:
    import pandas as pd

#: A column of this kind holds a sentence where something is wrong, and None where nothing is.
PROBLEM_COLUMNS = (
    "audio_problem",
    "manifest_problem",
    "text_problem",
    "repeated_audio",
    "split_leak",
    "role_leak",
    "consent_problem",
)


def corpus_frame(
    corpora: Sequence[Corpus],
    silence_dbfs: float,
    day: datetime.date,
    workers: int,
    progress: Progress,
) -> pd.DataFrame:
    """The table over all corpora: manifest columns, measured columns and `PROBLEM_COLUMNS`.

    ``duration_s`` and ``sample_rate`` are the measured ones where the file could be read. Text columns are
    empty for recordings without a transcript.

    Args:
        day: on which consents must hold.

    Raises:
        DataError: a manifest or consent table that cannot be read, or a path outside its corpus.
    """
    import pandas as pd

    places = [
        (corpus, row, f"{corpus.name}/{MANIFEST_NAME} row {number}")
        for corpus in corpora
        for number, row in enumerate(corpus.rows, start=FIRST_ROW)
    ]
    files = [corpus.audio(row) for corpus, row, _ in places]
    measured = list(measure_all(files, silence_dbfs, workers, progress))
    rows = [row for _, row, _ in places]
    repeated = _repeated_audio(rows, measured)
    split_leaks = _by_utterance(sentence_leaks(rows), "is in the splits")
    role_leaks = _by_utterance(speaker_leaks(rows), "has the roles")
    lines = [
        {
            **_manifest_cells(row),
            "row": place,
            **_measured_cells(row, audio),
            "text_problem": "text is empty" if not row.text.strip() and row.role != "human" else None,
            "repeated_audio": repeated.get(number),
            "split_leak": split_leaks.get(row.utterance_id),
            "role_leak": role_leaks.get(row.utterance_id),
            "consent_problem": consent_problem(corpus, row, day) or None,
        }
        for number, ((corpus, row, place), audio) in enumerate(zip(places, measured, strict=True))
    ]
    return pd.DataFrame(lines).astype(dict.fromkeys(PROBLEM_COLUMNS, object))


def consent_problem(corpus: Corpus, row: Utterance, day: datetime.date) -> str:
    """Why a row may not be trained on that day; "" when it may."""
    record = corpus.consents.get(row.consent)
    if record is None:
        return f"no consent record {row.consent!r}"
    return record.objection(row.speaker_id, day)


def _manifest_cells(row: Utterance) -> dict[str, Any]:
    return row.model_dump(include={"utterance_id", "speaker_id", "language", "text", "split", "role"})


def _measured_cells(row: Utterance, audio: AudioStatistics) -> dict[str, Any]:
    if audio.problem:
        return {
            "audio_problem": audio.problem,
            "manifest_problem": None,
            "duration_s": math.nan,
            "sample_rate": row.sample_rate,
        }
    spoken = bool(row.text.strip())
    return {
        "audio_problem": _signal_problem(audio),
        "manifest_problem": _disagreement(row, audio),
        "duration_s": audio.measured_s,
        "sample_rate": audio.measured_rate,
        "clipping_share": audio.clipping_share,
        "silence_share": audio.silence_share,
        "rms_dbfs": audio.rms_dbfs,
        "peak_dbfs": audio.peak_dbfs,
        "characters_per_second": characters_per_second(row.text, audio.measured_s) if spoken else math.nan,
        "script_share": script_share(row.text, row.language) if spoken else math.nan,
    }


def _signal_problem(audio: AudioStatistics) -> str | None:
    if audio.non_finite:
        return f"{audio.non_finite} samples are NaN or infinite"
    return f"{audio.channels} channels, not mono" if audio.channels != 1 else None


def _disagreement(row: Utterance, audio: AudioStatistics) -> str | None:
    if abs(row.duration_s - audio.measured_s) > FRAME_S:
        return f"{row.duration_s:.3f} s in the manifest, {audio.measured_s:.3f} s in the file"
    if row.sample_rate != audio.measured_rate:
        return f"{row.sample_rate} Hz in the manifest, {audio.measured_rate} Hz in the file"
    if row.sha256 != audio.file_sha256:
        return f"sha256 {row.sha256[:12]} in the manifest, {audio.file_sha256[:12]} of the file"
    return None


def _repeated_audio(rows: Sequence[Utterance], measured: Sequence[AudioStatistics]) -> dict[int, str]:
    """Position → what it repeats; equal samples are the same recording, whatever the files are called."""
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for position, audio in enumerate(measured):
        if audio.signal_sha256:
            groups[audio.signal_sha256].append(position)
    found = {}
    for group in groups.values():
        for position in group:
            others = [rows[other] for other in group if other != position]
            if others:
                two_texts = any(other.text != rows[position].text for other in others)
                names = ", ".join(other.utterance_id for other in others)
                found[position] = f"same audio as {names}" + (" with another text" if two_texts else "")
    return found


def _by_utterance(leaks: Iterable[Leak], verb: str) -> dict[str, str]:
    return {
        utterance_id: f"{leak.what!r} {verb} {', '.join(leak.sides)}"
        for leak in leaks
        for utterance_id in leak.utterance_ids
    }
