"""Latency: what is timed, how often, over which sentences. No test asserts a time."""

from __future__ import annotations

from collections import Counter
from io import StringIO

import numpy as np
import pytest
from espeak_voices import EspeakSynthesiser

from components import catalogue
from components.core.errors import NothingScoredError
from components.core.paths import project_root
from components.core.progress import Progress
from components.evaluation.latency import SentenceLatency, measure, measure_anew, warm_up, within
from components.evaluation.records import Circumstances, latency_records
from components.evaluation.sentences import Sentence
from components.evaluation.speaking import Spoken, assign_speakers, speak

LIMITS = catalogue.load(project_root(), "ci").data.validation
LONG = "a text so long that the fake synthesiser says twelve words"
SENTENCES = [
    Sentence(sentence_id=name, language=language, text=text, kind="statement")
    for name, language, text in (
        ("ko_01", "ko", "하나"), ("ko_02", "ko", "둘"), ("en_01", "en", "one"), ("en_02", "en", LONG),
    )
]  # fmt: skip
NOW = Circumstances("cpu: test", "float32", "md5", "git", "params", "run", seed=1)


def spoken_by(synthesiser: EspeakSynthesiser) -> list[Spoken]:
    return list(speak(synthesiser, assign_speakers(SENTENCES, synthesiser.speakers), LIMITS))


def quiet() -> Progress:
    return Progress("test", StringIO())


def test_speakers_take_turns_and_every_language_hears_each() -> None:
    many = [
        Sentence(sentence_id=f"{language}_{i:02d}", language=language, text=f"{i}", kind="number")
        for language in ("ko", "en")
        for i in range(9)
    ]
    turns = list(assign_speakers(many, ("a", "b", "c")))
    assert [s for s, _ in turns] == many
    assert Counter((s.language, speaker) for s, speaker in turns) == {
        (language, speaker): 3 for language in ("ko", "en") for speaker in "abc"
    }
    assert turns[0][1] != turns[9][1]


def test_short_sentences_are_repeated_in_rounds_and_long_ones_are_not() -> None:
    synthesiser = EspeakSynthesiser()
    spoken = spoken_by(synthesiser)
    synthesiser.calls.clear()
    times = measure(synthesiser, spoken, repeats=3, longest_s=3.0, at_most=9, progress=quiet())
    assert synthesiser.calls == ["하나", "one", "둘"] * 2
    assert {name: one.repeats for name, one in times.items()} == {
        "ko_01": 3, "ko_02": 3, "en_01": 3, "en_02": 1,
    }  # fmt: skip
    assert set(within(times, 3.0)) == {"ko_01", "ko_02", "en_01"}
    assert set(within(times, 6.0)) == set(times)


def test_so_many_sentences_are_timed_languages_in_turn_and_no_other_short_one_counts() -> None:
    synthesiser = EspeakSynthesiser()
    spoken = spoken_by(synthesiser)
    synthesiser.calls.clear()
    times = measure(synthesiser, spoken, repeats=2, longest_s=3.0, at_most=2, progress=quiet())
    assert synthesiser.calls == ["하나", "one"]
    assert {name: one.repeats for name, one in times.items()} == {"ko_01": 2, "en_01": 2, "en_02": 1}


def test_sentences_of_a_batch_are_timed_anew() -> None:
    synthesiser = EspeakSynthesiser()
    spoken = spoken_by(synthesiser)
    synthesiser.calls.clear()
    times = measure_anew(synthesiser, spoken, repeats=2, longest_s=3.0, at_most=2, progress=quiet())
    assert synthesiser.calls == ["하나", "one"] * 2
    assert {name: one.repeats for name, one in times.items()} == {"ko_01": 2, "en_01": 2}


def test_a_faulty_sentence_has_no_latency() -> None:
    empty = np.zeros(0, np.float32)
    synthesiser = EspeakSynthesiser(broken={"하나": empty}, refused=frozenset({"둘"}))
    spoken = spoken_by(synthesiser)
    assert [s.fault is None for s in spoken] == [False, False, True, True]
    assert spoken[1].fault is not None
    assert "DataError" in spoken[1].fault
    assert set(measure(synthesiser, spoken, 2, 3.0, 9, quiet())) == {"en_01", "en_02"}


def test_a_pause_in_the_synthesiser_shows_in_every_figure() -> None:
    """The clock covers the whole synthesis: 60 ms a chunk is a multiple of what espeak needs."""
    swift, slow = EspeakSynthesiser(), EspeakSynthesiser(pause_s=0.06, chunks=3)
    figures = {}
    for name, synthesiser in (("swift", swift), ("slow", slow)):
        times = measure(synthesiser, spoken_by(synthesiser), 3, 3.0, 9, quiet())
        figures[name] = {m.name: m for m in latency_records(within(times, 3.0), NOW)}
    for kpi in ("latency_p50_ms", "latency_p95_ms", "latency_ttfa_ms", "rtf"):
        assert figures["slow"][kpi].value > 2 * figures["swift"][kpi].value
    first = figures["slow"]["latency_ttfa_ms"].per_sentence
    total = figures["slow"]["latency_p95_ms"].per_sentence
    assert all(total[name] > 2 * first[name] for name in total)  # three chunks, the first after a third


def test_warm_up_speaks_each_language() -> None:
    synthesiser = EspeakSynthesiser()
    turns = list(assign_speakers(SENTENCES, synthesiser.speakers))
    warm_up(synthesiser, turns, runs=1)
    assert synthesiser.calls == ["하나", "one"]


def latency(total_ms: float, language: str = "ko", audio_s: float = 2.0) -> SentenceLatency:
    return SentenceLatency(language, audio_s, 5, total_ms, total_ms / 2, total_ms / 1000 / audio_s)


def test_records_hold_quantiles_over_sentences_with_their_interval() -> None:
    values = np.arange(1.0, 101.0)
    times = {f"ko_{int(v):02d}": latency(float(v)) for v in values}
    found = {m.name: m for m in latency_records(times, NOW)}
    assert found["latency_p50_ms"].value == 50.5
    assert found["latency_p95_ms"].value == pytest.approx(np.quantile(values, 0.95))
    assert found["latency_ttfa_ms"].value == pytest.approx(np.quantile(values, 0.95) / 2)
    assert found["rtf"].value == pytest.approx(50.5 / 2000)
    p95 = found["latency_p95_ms"]
    assert p95.n == 100
    assert 80 < p95.low < p95.value < p95.high <= 100
    assert p95.per_language == {"ko": p95.value}
    assert (p95.evidence, p95.batch, p95.device) == ("measured", 1, "cpu: test")


def test_no_short_sentence_raises() -> None:
    with pytest.raises(NothingScoredError, match="at most 3 s"):
        within({"ko_01": latency(10.0, audio_s=3.5)}, 3.0)
    with pytest.raises(NothingScoredError):
        within({}, 3.0)
