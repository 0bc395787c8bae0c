"""The 120 sentences: complete, normal, varied, short enough."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path

import pytest

from components import catalogue
from components.core.errors import DataError
from components.core.paths import project_root
from components.core.utterance import LANGUAGES
from components.evaluation import sentences as module
from components.evaluation.sentences import Sentence, load_sentences, sentences_sha256

PARAMS = catalogue.load(project_root(), "ci")
KPI = PARAMS.kpi
SET = load_sentences(PARAMS.evaluation.sentences, KPI)


def rewritten(folder: Path, change: dict[int, dict[str, str]]) -> Path:
    """The shipped file with cells of some data rows changed."""
    shipped = Path(module.__file__).with_name("sentences.csv")
    with shipped.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for index, cells in change.items():
        rows[index].update(cells)
    path = folder / "sentences.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_thirty_in_each_language_and_every_kind_the_issue_names() -> None:
    for language in LANGUAGES:
        kinds = [s.kind for s in SET if s.language == language]
        assert len(kinds) == 30
        assert kinds.count("number") >= 3
        assert kinds.count("loanword") >= 2
        assert {"date", "question", "long", "tongue"} <= set(kinds)


def test_korean_exercises_the_pronunciation_rules() -> None:
    rules = {
        "liaison", "nasalisation", "lateralisation", "tensification", "aspiration", "palatalisation",
        "n_insertion", "cluster_coda",
    }  # fmt: skip
    assert rules <= {s.kind for s in SET if s.language == "ko"}


def test_the_hash_covers_what_is_spoken_and_not_the_label() -> None:
    first, *rest = SET
    relabelled = Sentence(**{**first.model_dump(), "kind": "other"})
    reworded = Sentence(**{**first.model_dump(), "text": first.text + "!"})
    assert sentences_sha256([relabelled, *rest]) == sentences_sha256(SET)
    assert sentences_sha256([reworded, *rest]) != sentences_sha256(SET)
    assert sentences_sha256(SET[::-1]) != sentences_sha256(SET)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({3: {"sentence_id": "ko_01"}}, "'ko_01' more than once"),
        ({3: {"text": SET[0].text}}, "more than once"),
        ({3: {"text": unicodedata.normalize("NFD", SET[3].text)}}, "NFC"),
        ({3: {"text": ""}}, "text"),
        ({3: {"language": "fr"}}, "language"),
        ({3: {"language": "en"}}, "begins with en_"),
        ({3: {"language": "en", "sentence_id": "en_99"}}, "'ko': 29"),
    ],
)
def test_a_damaged_set_is_refused_in_one_line(
    tmp_path: Path, change: dict[int, dict[str, str]], words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        load_sentences(str(rewritten(tmp_path, change)), KPI)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="absent.csv"):
        load_sentences(str(tmp_path / "absent.csv"), KPI)
