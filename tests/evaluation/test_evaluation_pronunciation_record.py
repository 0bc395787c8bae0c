"""What stands in evidence and tables about pronunciation, and what the gate makes of its ceiling."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from tone_corpus import ToneCorpus

from components import catalogue
from components.core.metrics import Evaluator, Metric, NotMeasured
from components.core.paths import project_root
from components.core.progress import Progress
from components.core.utterance import Language
from components.data.corpus import Corpus
from components.evaluation import candidate
from components.evaluation.candidate import Listening
from components.evaluation.pronunciation import Score, Transcript
from components.evaluation.recordings import transcribed
from components.evaluation.records import Circumstances, pronunciation_record
from components.evaluation.sentences import Sentence
from components.evaluation.speaking import Spoken, Take
from components.evaluation.tables import Judged, write_sentence_table
from components.nn.contracts import Speech
from components.promotion.admissibility import metric_objections
from components.promotion.requirements import requirement

PARAMS = catalogue.load(project_root(), "laptop")
JUDGE = Evaluator(id="iris-ctc-phonemes", version="1", weights_sha256="f" * 64, kind="proxy")
NOW = Circumstances("cpu: test", "float32", "d" * 32, "0" * 40, "1" * 64, "run", 1)


class Parrot:
    """Hears what it is told, clip by clip; a text's symbols are its letters."""

    identity = JUDGE

    def __init__(self, hears: Sequence[str]) -> None:
        self.hears = list(hears)

    def transcribe(self, clips: Sequence[Speech], language: Language) -> list[Transcript]:
        return [Transcript(tuple(self.hears.pop(0)), tones=("1",)) for _ in clips]

    def reference(self, text: str, language: Language) -> Transcript:
        return Transcript(tuple(text), tones=("2",) if language == "zh" else ())


def spoken(name: str, language: Language, text: str) -> Spoken:
    sentence = Sentence(sentence_id=name, language=language, text=text, kind="statement")
    return Spoken(sentence, "spk1", Take(Speech(np.ones(800, np.float32), 16000), 0.1, 0.1), None)


def scores(accuracies: Mapping[str, tuple[str, str]]) -> dict[str, Score]:
    return {
        name: Score.of("ko", Transcript(tuple(said)), Transcript(tuple(heard)))
        for name, (said, heard) in accuracies.items()
    }


def objections(metric: Metric) -> list[str]:
    needed = requirement(metric, PARAMS.kpi, PARAMS.evaluation)
    assert needed is not None
    evidence = type("Evidence", (), {"run_id": "run", "data_md5": "d" * 32})
    found = metric_objections(metric, evidence, needed, PARAMS.kpi, PARAMS.evaluation)  # type: ignore[arg-type]
    return [one for one in found if "ceiling" in one]


@pytest.mark.parametrize(
    ("recorded", "ceiling", "objection"),
    [
        ({"r1": ("abcd", "abcd"), "r2": ("abcd", "abcd")}, 1.0, None),
        ({"r1": ("abcd", "abcd"), "r2": ("abcd", "abxd")}, 0.875, "under the target"),
        ({}, None, "no ceiling"),
    ],
)
def test_the_ceiling_is_the_recognisers_own_accuracy_on_recordings_and_the_gate_reads_it(
    recorded: dict[str, tuple[str, str]], ceiling: float | None, objection: str | None
) -> None:
    sentences = scores({"ko_01": ("abcd", "abcx"), "ko_02": ("ab", "ab")})
    metric = pronunciation_record(sentences, scores(recorded), JUDGE, "1", NOW)
    assert metric.ceiling == ceiling
    assert metric.value == pytest.approx(0.875)
    assert metric.per_language == {"ko": pytest.approx(0.875)}
    assert metric.evaluator == JUDGE
    found = objections(metric)
    assert found == [] if objection is None else objection in found[0]


def test_a_candidate_is_heard_beside_its_recordings(tmp_path: Path) -> None:
    corpus = ToneCorpus(tmp_path / "espeak")
    corpus.add("recorded", split="test", text="abcd", language="en")
    recordings = transcribed([Corpus(corpus.write())], ["spk1"])
    listening = Listening(Parrot(["abx", "zz", "abcd"]), "", recordings)
    said = [spoken("en_01", "en", "abc"), spoken("zh_01", "zh", "zz")]
    heard, recorded = candidate._heard(said, listening, Progress("t", StringIO()))
    found = candidate._pronunciation(heard, recorded, listening, PARAMS, NOW)
    assert isinstance(found[0], Metric)
    assert found[0].ceiling == 1.0
    assert found[0].per_sentence == {"en_01": pytest.approx(2 / 3), "zh_01": 1.0}


def test_without_a_recogniser_the_reason_stands_in_the_evidence() -> None:
    listening = Listening(None, "no recogniser configured (why)", ())
    heard, recorded = candidate._heard([spoken("en_01", "en", "abc")], listening, Progress("t", StringIO()))
    assert (heard, recorded) == ({}, {})
    assert candidate._pronunciation(heard, recorded, listening, PARAMS, NOW) == [
        NotMeasured(name="pronunciation_accuracy", reason="no recogniser configured (why)")
    ]


def test_the_table_shows_what_was_said_and_what_was_heard(tmp_path: Path) -> None:
    said, heard = Transcript(("zh", "ong"), tones=("1",)), Transcript(("z", "ong"), tones=("2",))
    judged = [
        Judged(spoken("zh_01", "zh", "中"), None, 0.9, None, Score.of("zh", said, heard)),
        Judged(spoken("zh_02", "zh", "中"), None, 0.9, None, None),
    ]
    path = tmp_path / "sentences.csv"
    write_sentence_table(path, judged)
    with path.open(encoding="utf-8", newline="") as stream:
        first, second = csv.DictReader(stream)
    assert (first["pronunciation"], first["said"], first["heard"]) == ("0.5000", "zh ong", "z ong")
    assert (first["tones_said"], first["tones_heard"]) == ("1", "2")
    assert (second["pronunciation"], second["said"], second["tones_heard"]) == ("", "", "")
