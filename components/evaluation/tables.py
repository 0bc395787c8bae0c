"""What a person looks at: one row a sentence, and the samples to listen to beside real recordings."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components.core.storage import atomic_folder, recover_folder, write_text
from components.data.csv_table import table_text
from components.evaluation.latency import SentenceLatency
from components.evaluation.pronunciation import Score
from components.evaluation.recordings import Recording
from components.evaluation.speaking import Spoken
from components.inference import MediaLabel, to_wav

TABLE_COLUMNS = (
    "sentence_id", "language", "kind", "text", "speaker", "duration_s", "fault", "similarity",
    "latency_ms", "ttfa_ms", "rtf", "repeats", "pronunciation", "said", "heard", "tones_said", "tones_heard",
)  # fmt: skip
INDEX_COLUMNS = (
    "sentence_id", "language", "text", "speaker", "path", "reference", "duration_s", "similarity",
    "latency_ms", "rank", "fault", "pronunciation", "said", "heard",
)  # fmt: skip
_REFERENCES = "reference"


@dataclass(frozen=True)
class Judged:
    """A sentence with everything that was found about it; what was not taken is None."""

    spoken: Spoken
    fault: str | None
    similarity: float
    latency: SentenceLatency | None
    pronunciation: Score | None

    @property
    def sentence_id(self) -> str:
        """The sentence's id."""
        return self.spoken.sentence.sentence_id


def write_sentence_table(path: Path, judged: Sequence[Judged]) -> None:
    """One row per sentence in the sentences' order; an empty cell was not measured."""
    write_text(path, table_text(TABLE_COLUMNS, [_table_row(one) for one in judged]))


def write_samples(
    folder: Path,
    judged: Sequence[Judged],
    references: Mapping[tuple[str, str], Recording],
    label: Callable[[Spoken], MediaLabel],
) -> None:
    """``<sentence_id>.wav`` for what can be heard, ``reference/`` for the real voices, and ``index.csv``.

    Args:
        folder: replaced as a whole.
        judged: ranked in the index, the worst first: faults, then by the worse of its two scores.
        references: by (speaker, language), a held-out recording to play beside.
        label: what each wav says of itself, within the file and beside it.

    Raises:
        StorageError: no space, or not writable.
    """
    ranks = _ranks(judged)
    recover_folder(folder)
    with atomic_folder(folder) as temporary:
        (temporary / _REFERENCES).mkdir()
        names = {key: _copy(recording, temporary) for key, recording in references.items()}
        rows = []
        for one in judged:
            path = _write_wav(temporary, one, label)
            spoken = one.spoken
            reference = names.get((spoken.speaker, spoken.sentence.language), "")
            rows.append(_index_row(one, path, reference, ranks[one.sentence_id]))
        write_text(temporary / "index.csv", table_text(INDEX_COLUMNS, rows))


def _ranks(judged: Sequence[Judged]) -> dict[str, int]:
    worst_first = sorted(judged, key=_worst_first)
    return {one.sentence_id: rank for rank, one in enumerate(worst_first, start=1)}


def _worst_first(one: Judged) -> tuple[bool, float, str]:
    """Faults, then the worse of the two scores; sentences without a pronunciation by similarity alone."""
    accuracy = one.pronunciation.accuracy if one.pronunciation else one.similarity
    return one.fault is None, min(accuracy, one.similarity), one.sentence_id


def _write_wav(folder: Path, one: Judged, label: Callable[[Spoken], MediaLabel]) -> str:
    speech = one.spoken.take.speech
    if speech.samples.ndim != 1 or speech.samples.size == 0 or not np.isfinite(speech.samples).all():
        return ""  # nothing that a player could play; the fault stands in the row
    name = f"{one.sentence_id}.wav"
    to_wav(folder / name, speech, label(one.spoken))
    return name


def _copy(recording: Recording, folder: Path) -> str:
    name = f"{_REFERENCES}/{recording.utterance.sha256[:16]}.wav"
    shutil.copyfile(recording.path, folder / name)
    return name


def _table_row(one: Judged) -> list[str]:
    sentence = one.spoken.sentence
    late = one.latency
    return [
        sentence.sentence_id, sentence.language, sentence.kind, sentence.text, one.spoken.speaker,
        f"{one.spoken.take.speech.duration_s:.3f}", one.fault or "", f"{one.similarity:.4f}",
        f"{late.total_ms:.2f}" if late else "", f"{late.first_ms:.2f}" if late else "",
        f"{late.real_time_factor:.4f}" if late else "", str(late.repeats) if late else "0",
        *_pronounced(one), *_tones(one),
    ]  # fmt: skip


def _index_row(one: Judged, path: str, reference: str, rank: int) -> list[str]:
    sentence = one.spoken.sentence
    return [
        sentence.sentence_id, sentence.language, sentence.text, one.spoken.speaker, path, reference,
        f"{one.spoken.take.speech.duration_s:.3f}", f"{one.similarity:.4f}",
        f"{one.latency.total_ms:.2f}" if one.latency else "", str(rank), one.fault or "", *_pronounced(one),
    ]  # fmt: skip


def _pronounced(one: Judged) -> list[str]:
    """Accuracy, and the symbols that should have been heard and were; empty where nobody listened."""
    score = one.pronunciation
    if score is None:
        return ["", "", ""]
    return [f"{score.accuracy:.4f}", " ".join(score.said.symbols), " ".join(score.heard.symbols)]


def _tones(one: Judged) -> list[str]:
    score = one.pronunciation
    return ["", ""] if score is None else ["".join(score.said.tones), "".join(score.heard.tones)]
