"""What a person looks at: one row a sentence, and the samples to listen to beside real recordings."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from components.core.storage import atomic_folder, recover_folder, write_text
from components.data.csv_table import table_text
from components.evaluation.latency import SentenceLatency
from components.evaluation.parquet import write_parquet
from components.evaluation.pronunciation import Score
from components.evaluation.recordings import Recording
from components.evaluation.sources import Source
from components.evaluation.speaking import Spoken
from components.inference import MediaLabel, to_wav
from components.nn.contracts import Speech

TABLE_COLUMNS = (
    "sentence_id", "language", "kind", "text", "speaker", "duration_s", "fault", "similarity",
    "latency_ms", "ttfa_ms", "rtf", "repeats", "pronunciation", "said", "heard", "tones_said", "tones_heard",
    "source_voice", "source_similarity_before", "source_similarity_after", "source_error", "f0_correlation",
    "prompt", "prompt_language", "prompt_seen", "ended_by",
)  # fmt: skip
INDEX_COLUMNS = (
    "sentence_id", "language", "text", "speaker", "path", "reference", "duration_s", "similarity",
    "latency_ms", "rank", "fault", "pronunciation", "said", "heard", "source", "source_voice",
    "source_similarity", "f0_correlation", "prompt_text", "prompt_language", "seed",
)  # fmt: skip
_NUMBERS = frozenset(
    {
        "duration_s", "similarity", "latency_ms", "ttfa_ms", "rtf", "repeats", "pronunciation",
        "source_similarity_before", "source_similarity_after", "source_error", "f0_correlation",
    }
)  # fmt: skip
_REFERENCES, _SOURCES = "reference", "source"


@dataclass(frozen=True)
class Compared:
    """A conversion beside its source; what could not be compared is None.

    Attributes:
        before, after: cosine to the source's voice, of the source and of the conversion.
        error: of the recogniser on the source.
        melody: correlation of ln f0.
    """

    source: Source
    before: float | None
    after: float | None
    error: float | None
    melody: float | None


@dataclass(frozen=True)
class Prompted:
    """What a sentence's voice was given by, and how its speech ended.

    Attributes:
        recording: the prompt.
        seen: whether the model learned from this voice.
        ended_by: of each piece of the text; nothing where it could not be spoken.
        seed: with which the same is said again.
    """

    recording: Recording
    seen: bool
    ended_by: tuple[str, ...]
    seed: int


@dataclass(frozen=True)
class Besides:
    """A recording converted into another speaker: no sentence, but to be heard."""

    name: str
    recording: Recording
    speaker: str
    speech: Speech
    similarity: float


@dataclass(frozen=True)
class Judged:
    """A sentence with everything that was found about it; what was not taken is None."""

    spoken: Spoken
    fault: str | None
    similarity: float
    latency: SentenceLatency | None
    pronunciation: Score | None
    compared: Compared | None = None
    prompted: Prompted | None = None

    @property
    def sentence_id(self) -> str:
        """The sentence's id."""
        return self.spoken.sentence.sentence_id


def write_sentence_table(path: Path, judged: Sequence[Judged]) -> None:
    """One row per sentence in the sentences' order; an empty cell was not measured."""
    write_text(path, table_text(TABLE_COLUMNS, [_table_row(one) for one in judged]))


def write_sentence_parquet(path: Path, judged: Sequence[Judged], facts: Mapping[str, str]) -> None:
    """The same rows with numbers as numbers; ``facts`` say what they are about."""
    write_parquet(path, TABLE_COLUMNS, [_table_row(one) for one in judged], _NUMBERS, facts)


def write_samples(
    folder: Path,
    judged: Sequence[Judged],
    references: Mapping[tuple[str, str], Recording],
    label: Callable[[str, str], MediaLabel],
    besides: Sequence[Besides] = (),
) -> None:
    """``<sentence_id>.wav`` for what can be heard, ``reference/`` for the real voices, and ``index.csv``.

    Of conversions also ``source/``, and a row for each of ``besides`` behind the sentences.

    Args:
        folder: replaced as a whole.
        judged: ranked in the index, the worst first: faults, then by the worse of its two scores.
        references: by (speaker, language), a held-out recording to play beside; beside a sentence that was
            spoken by a prompt, the prompt.
        label: (speaker, language) → what each wav says of itself, within the file and beside it.
        besides: recordings that were converted too.

    Raises:
        StorageError: no space, or not writable.
    """
    ranks = _ranks(judged)
    recover_folder(folder)
    with atomic_folder(folder) as temporary:
        (temporary / _REFERENCES).mkdir()
        names = {key: _copy(recording, temporary, _REFERENCES) for key, recording in references.items()}
        beside = {speaker: name for (speaker, _), name in reversed(names.items())}  # any, rather than none
        rows = []
        for one in judged:
            speaker, language = one.spoken.speaker, one.spoken.sentence.language
            path = _write_wav(temporary, one.sentence_id, one.spoken.take.speech, label(speaker, language))
            reference = (
                _copy(one.prompted.recording, temporary, _REFERENCES)
                if one.prompted
                else names.get((speaker, language), beside.get(speaker, ""))
            )
            source = _write_source(temporary, one.compared.source) if one.compared else ""
            rows.append(_index_row(one, path, reference, ranks[one.sentence_id], source))
        for rank, other in enumerate(besides, start=len(judged) + 1):
            rows.append(_besides_row(other, temporary, beside.get(other.speaker, ""), rank, label))
        write_text(temporary / "index.csv", table_text(INDEX_COLUMNS, rows))


def _ranks(judged: Sequence[Judged]) -> dict[str, int]:
    worst_first = sorted(judged, key=_worst_first)
    return {one.sentence_id: rank for rank, one in enumerate(worst_first, start=1)}


def _worst_first(one: Judged) -> tuple[bool, float, str]:
    """Faults, then the worse of the two scores; sentences without a pronunciation by similarity alone."""
    accuracy = one.pronunciation.accuracy if one.pronunciation else one.similarity
    return one.fault is None, min(accuracy, one.similarity), one.sentence_id


def _write_wav(folder: Path, stem: str, speech: Speech, label: MediaLabel) -> str:
    if speech.samples.ndim != 1 or speech.samples.size == 0 or not np.isfinite(speech.samples).all():
        return ""  # nothing that a player could play; the fault stands in the row
    name = f"{stem}.wav"
    to_wav(folder / name, speech, label)
    return name


def _write_source(folder: Path, source: Source) -> str:
    name = f"{_SOURCES}/{source.sentence.sentence_id}.wav"
    (folder / _SOURCES).mkdir(exist_ok=True)
    soundfile.write(folder / name, source.speech.samples, source.speech.sample_rate, subtype="PCM_16")
    return name


def _copy(recording: Recording, folder: Path, below: str) -> str:
    name = f"{below}/{recording.utterance.sha256[:16]}.wav"
    (folder / below).mkdir(exist_ok=True)
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
        *_pronounced(one), *_tones(one), *_compared(one.compared), *_prompted(one.prompted),
    ]  # fmt: skip


def _index_row(one: Judged, path: str, reference: str, rank: int, source: str) -> list[str]:
    sentence = one.spoken.sentence
    return [
        sentence.sentence_id, sentence.language, sentence.text, one.spoken.speaker, path, reference,
        f"{one.spoken.take.speech.duration_s:.3f}", f"{one.similarity:.4f}",
        f"{one.latency.total_ms:.2f}" if one.latency else "", str(rank), one.fault or "", *_pronounced(one),
        source, *_heard_beside(one.compared), *_said_by(one.prompted),
    ]  # fmt: skip


def _besides_row(
    one: Besides, folder: Path, reference: str, rank: int, label: Callable[[str, str], MediaLabel]
) -> list[str]:
    row = one.recording.utterance
    path = _write_wav(folder, f"{row.sha256[:16]}-{rank}", one.speech, label(one.speaker, row.language))
    return [
        one.name, row.language, row.text, one.speaker, path, reference, f"{one.speech.duration_s:.3f}",
        f"{one.similarity:.4f}", "", str(rank), "", "", "", "",
        _copy(one.recording, folder, _SOURCES), row.speaker_id, "", "", "", "", "",
    ]  # fmt: skip


def _heard_beside(one: Compared | None) -> list[str]:
    return ["", "", ""] if one is None else [one.source.voice, _number(one.after), _number(one.melody)]


def _said_by(one: Prompted | None) -> list[str]:
    """What it takes, beside the prompt, to say it again."""
    if one is None:
        return [""] * 3
    row = one.recording.utterance
    return [row.text, row.language, str(one.seed)]


def _compared(one: Compared | None) -> list[str]:
    if one is None:
        return [""] * 5
    return [one.source.voice, *map(_number, (one.before, one.after, one.error, one.melody))]


def _prompted(one: Prompted | None) -> list[str]:
    if one is None:
        return [""] * 4
    row = one.recording.utterance
    return [row.utterance_id, row.language, "seen" if one.seen else "unseen", " ".join(one.ended_by)]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _pronounced(one: Judged) -> list[str]:
    """Accuracy, and the symbols that should have been heard and were; empty where nobody listened."""
    score = one.pronunciation
    if score is None:
        return ["", "", ""]
    return [f"{score.accuracy:.4f}", " ".join(score.said.symbols), " ".join(score.heard.symbols)]


def _tones(one: Judged) -> list[str]:
    score = one.pronunciation
    return ["", ""] if score is None else ["".join(score.said.tones), "".join(score.heard.tones)]
