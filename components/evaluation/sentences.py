"""The sentences every candidate speaks: written for this project, thirty in each language."""

from __future__ import annotations

import csv
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.core.errors import DataError
from components.core.params.kpi import KpiParams
from components.core.storage import sha256_json
from components.core.utterance import Language

_FOLDER = Path(__file__).parent


class Sentence(BaseModel):
    """One row of the sentence file."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    sentence_id: str = Field(pattern=r"^[a-z]{2}_\d{2,}$")
    language: Language
    text: str = Field(min_length=1, description="orthography, NFC")
    kind: str = Field(min_length=1, description="what it exercises: number, loanword, nasalisation, ...")


def load_sentences(name: str, kpi: KpiParams) -> tuple[Sentence, ...]:
    """The sentence set called ``evaluation.sentences``, checked against ``kpi``.

    Args:
        name: file name beside this module, or a path of one's own.
        kpi: says which languages, and how many sentences each.

    Raises:
        DataError: unreadable, a row that is none, an id or text twice, text that is not NFC, or a language
            with another number of sentences than ``kpi.sentences_per_language``.
    """
    path = _FOLDER / name  # an absolute name replaces the folder
    sentences = [_sentence(path, number, row) for number, row in enumerate(_rows(path), start=2)]
    _check_unique(path, sentences)
    counts = Counter(sentence.language for sentence in sentences)
    wanted = dict.fromkeys(kpi.languages, kpi.sentences_per_language)
    if dict(counts) != wanted:
        raise _error(path, f"sentences per language as kpi asks: {wanted}", f"{dict(counts)}")
    return tuple(sentences)


def sentences_sha256(sentences: Sequence[Sentence]) -> str:
    """Identity of a sentence set: ids, languages and texts in order; a change voids comparisons."""
    return sha256_json([[s.sentence_id, s.language, s.text] for s in sentences])


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _error(path, "a readable UTF-8 CSV file", f"{type(error).__name__}: {error}") from error


def _sentence(path: Path, number: int, row: Mapping[str, str]) -> Sentence:
    try:
        sentence = Sentence.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        found = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise _error(path, f"columns {', '.join(Sentence.model_fields)}", found, number) from error
    if not unicodedata.is_normalized("NFC", sentence.text):
        raise _error(path, "text in Unicode NFC", f"{sentence.sentence_id} in another form", number)
    if not sentence.sentence_id.startswith(f"{sentence.language}_"):
        raise _error(
            path, f"an id that begins with {sentence.language}_", f"{sentence.sentence_id!r}", number
        )
    return sentence


def _check_unique(path: Path, sentences: Sequence[Sentence]) -> None:
    for what, values in (
        ("sentence_id", [s.sentence_id for s in sentences]),
        ("text", [f"{s.language}: {s.text}" for s in sentences]),
    ):
        twice = [value for value, count in Counter(values).items() if count > 1]
        if twice:
            raise _error(path, f"every {what} once", f"{twice[0]!r} more than once")


def _error(path: Path, expected: str, found: str, row: int | None = None) -> DataError:
    return DataError(
        who=str(path) if row is None else f"{path}:{row}",
        expected=expected,
        found=found,
        action="correct the sentence file, or restore the one that is shipped",
    )
