"""What is found out about a converter: figures that a good one, a deaf one and a broken one part."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from espeak_converter import EspeakConverter
from espeak_voices import VOICES, recorded
from few_sentences import CI, COUNT, few_sentences
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.metrics import Evaluator, Metric
from components.core.progress import Progress
from components.core.statistics import Floats
from components.core.utterance import Language
from components.data.corpus import Corpus
from components.evaluation import conversion_scores as scores
from components.evaluation.candidate import Examiner, Findings, Listening
from components.evaluation.conversion import Targets, examine_conversion
from components.evaluation.embedding_store import EmbeddingStore
from components.evaluation.pronunciation import Transcript
from components.evaluation.recordings import held_out, panel, transcribed
from components.evaluation.records import Circumstances
from components.evaluation.sources import Sources, sources_for
from components.evaluation.speaker_similarity import Gallery, build_gallery
from components.evaluation.verifier import SpeakerVerifier
from components.features.pitch import PitchAnalysis
from components.nn.contracts import Speech

NOW = Circumstances("cpu: test", "float32", "d", "g", "p", "run", 1)
ANALYSIS = PitchAnalysis("dio", 50.0, 1100.0)
RATE = 16000


class Counting:
    """A recogniser of lengths: hears a symbol for every 0.1 s."""

    identity = Evaluator(id="counting", version="1", weights_sha256="c" * 64, kind="proxy")

    def transcribe(self, clips: list[Speech], language: Language) -> list[Transcript]:
        return [Transcript(("a",) * round(10 * clip.duration_s)) for clip in clips]

    def reference(self, text: str, language: Language) -> Transcript:
        return Transcript(("a",) * len(text))


class World:
    """Three voices with recordings, one of them recorded as a person, and the sentences' sources."""

    def __init__(self, root: Path) -> None:
        self.params = few_sentences(root)
        recorded(root / "espeak", per_voice=14).write()
        self.corpus = Corpus(root / "espeak")
        self.verifier = SpeakerVerifier(CI.evaluation.speaker_verifier)
        self.sources: Sources = sources_for(self.params, [], tuple(VOICES), root / "kept", RATE)
        self.recordings = held_out([self.corpus], 1.6)
        panels = [panel(speaker, self.recordings, 10, 1) for speaker in VOICES]
        store = EmbeddingStore(root / "store", self.verifier)
        self.gallery: Gallery = build_gallery(panels, [], store, 10, 10, 1)

    def examined(self, converter: EspeakConverter, people: tuple[str, ...], hears: bool = True) -> Findings:
        roles = {voice: "human" if voice in people else "model" for voice in VOICES}
        listening = Listening(
            Counting() if hears else None,  # type: ignore[arg-type]
            "" if hears else "nobody listens",
            transcribed([self.corpus], tuple(VOICES)),
        )
        by = Examiner(self.gallery, self.verifier, listening, self.params, NOW, Progress("t", StringIO()))
        targets = Targets(roles, self.recordings)  # type: ignore[arg-type]
        return examine_conversion(converter, self.sources, targets, by)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def good(world: World) -> Findings:
    return world.examined(EspeakConverter(pause_s=0.004), ("low", "high"))


@pytest.fixture(scope="module")
def deaf(world: World) -> Findings:
    return world.examined(EspeakConverter(deaf=True), (), hears=False)


def metric(found: Findings, name: str) -> Metric:
    return next(one for one in found.metrics if one.name == name)


def missing(found: Findings) -> dict[str, str]:
    return {one.name: one.reason for one in found.not_measured}


def test_a_good_converter_reaches_the_target_and_leaves_the_source(good: Findings) -> None:
    assert metric(good, "speaker_similarity").n == COUNT
    assert metric(good, "speaker_similarity").value > 0.85
    before, after = metric(good, "source_similarity_before"), metric(good, "source_similarity_after")
    assert before.n == after.n == COUNT
    assert before.value > after.value + 0.1


def test_a_deaf_one_keeps_the_source_and_its_melody(deaf: Findings) -> None:
    before, after = metric(deaf, "source_similarity_before"), metric(deaf, "source_similarity_after")
    assert after.value == pytest.approx(before.value, abs=1e-3)
    assert metric(deaf, "f0_correlation").value > 0.999
    assert metric(deaf, "speaker_similarity").value < after.value - 0.1


def test_groups_part_the_sentences_by_target(good: Findings, deaf: Findings) -> None:
    human, made = metric(good, "similarity_to_human"), metric(good, "similarity_to_generated")
    assert (human.n, made.n) == (COUNT * 2 // 3, COUNT // 3)
    assert not set(human.per_sentence) & set(made.per_sentence)
    assert human.per_sentence | made.per_sentence == metric(good, "speaker_similarity").per_sentence
    assert "role human" in missing(deaf)["similarity_to_human"]


def test_people_are_converted_into_people_only(good: Findings, deaf: Findings) -> None:
    found = metric(good, "similarity_human_to_human")
    assert found.n == len(good.besides) == 2 * CI.evaluation.conversion.recordings_per_target
    assert found.value > 0.8
    for one in good.besides:
        assert {one.speaker, one.recording.utterance.speaker_id} == {"low", "high"}
        assert one.name in found.per_sentence
    assert "there are 0" in missing(deaf)["similarity_human_to_human"]
    assert deaf.besides == ()


def test_the_recogniser_hears_before_after_and_a_control(good: Findings, deaf: Findings) -> None:
    said, kept = metric(good, "source_error_rate"), metric(good, "converted_error_rate")
    assert said.n == kept.n == COUNT
    assert kept.value == pytest.approx(said.value, abs=0.01), "as long as the source, so the same symbols"
    assert kept.value == pytest.approx(1 - metric(good, "pronunciation_accuracy").value)
    control = metric(good, "control_error_rate")
    assert control.n == 3 * CI.evaluation.conversion.recordings_per_target
    assert control.ceiling == pytest.approx(control.value, abs=0.01)
    for name in ("source_error_rate", "converted_error_rate", "control_error_rate"):
        assert missing(deaf)[name] == "nobody listens"


def test_live_chunks_are_timed_and_the_wait_is_added(good: Findings) -> None:
    took, wait = metric(good, "stream_latency_p95_ms"), metric(good, "stream_delay_p95_ms")
    assert took.value >= 4.0, "the fake pauses 4 ms"
    assert took.n == wait.n > 20
    assert wait.value == pytest.approx(took.value + 320.0)
    sentences = {name.split("/")[0] for name in took.per_sentence}
    assert {name[:2] for name in sentences} == {"ko", "en", "ja", "zh"}
    assert len(sentences) == 4 * CI.evaluation.conversion.streamed_sentences_per_language


def test_every_figure_has_an_interval_and_every_row_its_source(good: Findings) -> None:
    names = [one.name for one in good.metrics]
    assert len(names) == len(set(names))
    for one in good.metrics:
        assert one.low <= one.value <= one.high
    for row in good.judged:
        assert row.compared is not None
        assert row.compared.source.sentence == row.spoken.sentence
        assert row.compared.after is not None


def test_a_target_that_fails_is_a_fault_of_its_sentences(world: World) -> None:
    converter = EspeakConverter(refused=frozenset({"low"}))
    found = world.examined(converter, (), hears=False)
    assert len(converter.keys) > COUNT
    assert set(converter.keys) == {5.0}, "the key is part of every conversion"
    assert len(found.faults) == COUNT // 3
    assert metric(found, "source_similarity_after").n == COUNT * 2 // 3
    assert metric(found, "f0_correlation").n == COUNT, "a melody that is lost counts as lost"
    lost = [value for value in metric(found, "f0_correlation").per_sentence.values() if value == 0.0]
    assert len(lost) >= COUNT // 3


def voiced(hertz: Floats) -> Speech:
    phase = np.cumsum(np.repeat(hertz, 160)) / RATE
    samples = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 9))
    return Speech((0.1 * samples).astype(np.float32), RATE)


COURSE = (150.0 * 2 ** (0.3 * np.sin(np.linspace(0, 9, 150)))).astype(np.float32)


@settings(max_examples=15)
@given(st.floats(0.6, 1.8))
def test_a_change_of_key_keeps_the_melody(ratio: float) -> None:
    found = scores.f0_correlation(voiced(COURSE), voiced(COURSE * np.float32(ratio)), ANALYSIS)
    assert found is not None
    assert found > 0.97


def test_a_melody_turned_round_is_no_melody_kept() -> None:
    found = scores.f0_correlation(voiced(COURSE), voiced(150.0 * 150.0 / COURSE), ANALYSIS)
    assert found is not None
    assert found < -0.9


@pytest.mark.parametrize(
    ("source", "made", "expected"),
    [
        (np.zeros(RATE, np.float32), np.zeros(RATE, np.float32), None),
        (voiced(COURSE).samples, np.zeros(RATE, np.float32), 0.0),
        (voiced(COURSE).samples, np.zeros(0, np.float32), 0.0),
    ],
)
def test_without_voice_there_is_nothing_to_compare(
    source: Floats, made: Floats, expected: float | None
) -> None:
    assert scores.f0_correlation(Speech(source, RATE), Speech(made, RATE), ANALYSIS) == expected
