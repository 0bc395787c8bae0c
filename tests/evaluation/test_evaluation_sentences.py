"""The 120 sentences: complete, normal, varied, short enough."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path

import pytest

from components import catalogue
from components.core.errors import DataError
from components.core.paths import project_root
from components.core.utterance import LANGUAGES, Language
from components.data.generated.sentences import training_sentences
from components.espeak.synthesis import Voice, synthesise
from components.evaluation import sentences as module
from components.evaluation.sentences import Sentence, load_sentences, sentences_sha256
from components.evaluation.verifier import MIN_CLIP_S
from components.text import SPECIAL, inventory, phonemise, segment, spoken

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
    with pytest.raises(DataError, match=r"absent\.csv"):
        load_sentences(str(tmp_path / "absent.csv"), KPI)


def seconds(sentence: Sentence) -> float:
    """Length at the rate of the generated corpus, in espeak's plain voice."""
    rate = PARAMS.data.embedded.espeak.words_per_minute
    speech = synthesise(spoken(sentence.text, sentence.language), sentence.language, Voice(), rate)
    return len(speech.samples) / speech.sample_rate_hz


def test_lengths_serve_the_latency_kpi_and_the_verifier() -> None:
    lengths = {s.sentence_id: seconds(s) for s in SET}
    for language in LANGUAGES:
        of_language = [length for name, length in lengths.items() if name.startswith(language)]
        assert sum(length <= KPI.latency.utterance_seconds for length in of_language) >= 18
        assert sum(5.0 <= length <= 7.0 for length in of_language) >= 2
    assert sum(length <= KPI.latency.utterance_seconds for length in lengths.values()) >= KPI.latency.n_min
    assert min(lengths.values()) > MIN_CLIP_S


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_a_training_sentence(language: Language) -> None:
    def bare(text: str) -> str:
        return "".join(letter for letter in text.casefold() if letter.isalnum())

    trained = {bare(text) for text in training_sentences(language, PARAMS.seed)}
    assert len(trained) > 100
    assert not trained & {bare(s.text) for s in SET if s.language == language}


def test_the_sentences_ask_for_almost_every_segment_of_the_inventory() -> None:
    """What is left may only be rarities: finals and foreign sounds of a handful of words (ueng, kw, fy)."""
    asked = {segment(symbol) for s in SET for symbol in phonemise(s.text, s.language).symbols}
    sounds = {segment(symbol) for symbol in inventory()} - set(SPECIAL)
    missing = sounds - asked
    assert len(missing) <= 0.08 * len(sounds), f"{len(missing)} of {len(sounds)} never asked for: {missing}"
