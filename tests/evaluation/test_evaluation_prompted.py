"""Whose prompt says what, what is never said, and every figure of a model that speaks by prompts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from espeak_voices import VOICES, recorded, say
from few_sentences import CI, COUNT, few_sentences
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from components.core.errors import DataError, NothingScoredError
from components.core.metrics import Evaluator
from components.core.progress import Progress
from components.core.utterance import LANGUAGES, Language
from components.data.corpus import Corpus
from components.evaluation.candidate import Examiner, Findings, Listening
from components.evaluation.embedding_store import EmbeddingStore
from components.evaluation.omissions import omissions, unheard
from components.evaluation.prompted import examine_prompted
from components.evaluation.prompts import Prompt, cast, prompts_of, unlearned
from components.evaluation.pronunciation import Score, Transcript
from components.evaluation.recordings import Panel, Recording, panel
from components.evaluation.records import Circumstances
from components.evaluation.sentences import load_sentences
from components.evaluation.speaker_similarity import Gallery, build_gallery
from components.evaluation.tables import write_sentence_table
from components.evaluation.verifier import SpeakerVerifier
from components.nn.contracts import Speech
from components.nn.prompting import Line, Utterance, Voice

NOW = Circumstances("cpu: test", "float32", "d", "g", "p", "run", 1)
SENTENCES = load_sentences(CI.evaluation.sentences, CI.kpi)


def _prompt(speaker: str, language: Language, seen: bool, corpus: Path) -> Prompt:
    from tone_corpus import ToneCorpus, tone

    row = ToneCorpus(corpus).add(f"{speaker}_{language}", tone(0.1), speaker_id=speaker, language=language)
    return Prompt(Recording(row, corpus), language, seen)


def test_seen_and_unseen_own_and_other_languages_are_equally_frequent(tmp_path: Path) -> None:
    voices = {"s1": True, "s2": True, "s3": True, "u1": False, "u2": False}
    prompts = [_prompt(v, language, seen, tmp_path) for v, seen in voices.items() for language in LANGUAGES]
    parts = cast(SENTENCES, prompts)
    assert [one.sentence for one in parts] == list(SENTENCES)
    cells = Counter((one.prompt.seen, one.crosses) for one in parts)
    assert set(cells.values()) == {30}
    said = Counter(one.prompt.speaker for one in parts)
    assert max(said[v] for v in voices if voices[v]) - min(said[v] for v in voices if voices[v]) <= 8
    crossing = {(one.prompt.language, one.sentence.language) for one in parts if one.crosses}
    assert len(crossing) == 12, "every language speaks every other"


def test_what_is_not_there_is_left_to_what_is(tmp_path: Path) -> None:
    parts = cast(SENTENCES, [_prompt("s1", "ko", True, tmp_path)])
    assert all(one.prompt.seen for one in parts)
    assert {one.sentence.language for one in parts if not one.crosses} == {"ko"}
    with pytest.raises(NothingScoredError, match="prompts"):
        cast(SENTENCES, [])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=20), st.data())
def test_a_stretch_cut_out_of_different_symbols_is_found(symbols: list[str], data: st.DataObject) -> None:
    said = [f"{symbol}{place}" for place, symbol in enumerate(symbols)]
    start = data.draw(st.integers(0, len(said)))
    end = data.draw(st.integers(start, len(said)))
    assert unheard(said, said[:start] + said[end:]) == ([(start, end)] if end > start else [])


def test_an_end_that_is_missing_is_no_skip() -> None:
    def of(said: str, heard: str) -> Score:
        return Score.of("en", Transcript(tuple(said)), Transcript(tuple(heard)))

    found = omissions(
        {"whole": of("abcdefgh", "abXdefgh"), "early": of("abcdefgh", "abcd"),
         "skip": of("abcdefgh", "abgh"), "nothing": of("abcdefgh", "")}, 4,
    )  # fmt: skip
    assert {n: (one.skipped, one.stopped_early) for n, one in found.items()} == {
        "whole": (False, False), "early": (False, True), "skip": (True, False), "nothing": (False, True),
    }  # fmt: skip


@dataclass
class EspeakPrompted:
    """A `components.nn.prompting.PromptedSpeaker`: the prompt's text is the speaker whose voice it is."""

    sample_rate: int = 22050
    languages: tuple[Language, ...] = LANGUAGES
    prompt_s: tuple[float, float] = (0.5, 5.0)
    learned_from: tuple[str, ...] = ("low",)
    consents: Mapping[str, str] = field(default_factory=dict)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    dtype: str = "float32"
    weights_sha256: str = "w" * 64
    looping: str = ""
    refused: str = ""
    batches: list[int] = field(default_factory=list)

    def voice(self, prompt: Speech, text: str, language: Language) -> Voice:
        return Voice(torch.zeros(1), (list(VOICES).index(text),), ())

    def speak_all(self, lines: Sequence[Line]) -> list[Utterance]:
        self.batches.append(len(lines))
        if any(line.text == self.refused for line in lines):
            raise DataError(who="text", expected="another", found="this", action="none, a test")
        return [self._said(line) for line in lines]

    def _said(self, line: Line) -> Utterance:
        speech = say(5, list(VOICES.values())[line.voice.symbols[0]], turn=len(line.text))
        return Utterance(speech, ("loop" if line.text == self.looping else "end",), 100, 20)

    def stream(self, text: str, language: Language, voice: Voice, seed: int) -> Iterator[NDArray[np.float32]]:
        yield from np.array_split(self._said(Line(text, language, voice, seed)).speech.samples, 3)


class Hearing:
    """A recogniser that hears half of every sentence."""

    identity = Evaluator(id="half", version="1", weights_sha256="c" * 64, kind="proxy")

    def transcribe(self, clips: Sequence[Speech], language: Language) -> list[Transcript]:
        return [Transcript(("a",) * 5) for _ in clips]

    def reference(self, text: str, language: Language) -> Transcript:
        return Transcript(tuple("a" * 10))


class World:
    """One voice that was learned and two that were not, with recordings; their text names them."""

    def __init__(self, root: Path) -> None:
        few, self.root = few_sentences(root), root
        timed = few.evaluation.model_copy(update={"latency_repeats": few.kpi.latency.repeats_min})
        self.params = few.model_copy(update={"evaluation": timed})
        made = recorded(root / "espeak", per_voice=16)
        made.rows = [
            row.model_copy(
                update={
                    "text": row.speaker_id,
                    "role": "model" if row.speaker_id == "low" else "unseen",
                    "split": "test" if row.speaker_id == "low" else "train",
                }
            )
            for row in made.rows
        ]
        made.write()
        self.recordings = unlearned([Corpus(root / "espeak")], 1.6)
        self.panels: dict[str, Panel] = {v: panel(v, self.recordings, 10, 1) for v in VOICES}
        self.verifier = SpeakerVerifier(CI.evaluation.speaker_verifier)
        store = EmbeddingStore(root / "store", self.verifier)
        self.gallery: Gallery = build_gallery(list(self.panels.values()), [], store, 10, 10, 1)
        self.sentences = load_sentences(self.params.evaluation.sentences, self.params.kpi)

    def prompts(self, learned_from: tuple[str, ...] = ("low",)) -> list[Prompt]:
        return prompts_of(self.recordings, self.panels, learned_from, (0.5, 5.0), 2.0, 10)

    def examined(self, model: EspeakPrompted, hears: bool) -> Findings:
        parts = cast(self.sentences, self.prompts())
        listening = Listening(Hearing() if hears else None, "" if hears else "nobody listens", ())
        quiet = Progress("test", stream=StringIO())
        by = Examiner(self.gallery, self.verifier, listening, self.params, NOW, quiet)
        return examine_prompted(model, parts, by)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


def test_prompts_are_no_references_and_voices_nobody_learned_give_all_they_have(world: World) -> None:
    prompts = world.prompts()
    assert {(one.speaker, one.seen) for one in prompts} == {("low", True), ("high", False), ("croak", False)}
    for one in prompts:
        assert one.recording not in world.panels[one.speaker].references
        assert one.recording.utterance.language == one.language
    assert len({(one.speaker, one.language) for one in prompts}) == len(prompts)
    assert not prompts_of(world.recordings, world.panels, (), (9.0, 10.0), 3.0, 10)
    assert not prompts_of(world.recordings, world.panels, ("low",), (0.5, 5.0), 3.0, 11)


def test_every_figure_of_a_model_that_speaks_well(world: World) -> None:
    model = EspeakPrompted(looping=world.sentences[0].text)
    found = world.examined(model, hears=True)
    figures = {one.name: one for one in found.metrics}
    assert figures["speaker_similarity"].n == COUNT
    for name in ("similarity_seen", "similarity_unseen"):
        assert figures[name].value > 0.7, "the right voice speaks"
        assert figures[name].n == COUNT // 2
    assert figures["similarity_same_language"].n + figures["similarity_cross_language"].n == COUNT
    assert figures["loop_rate"].value == pytest.approx(1 / COUNT)
    assert figures["cut_rate"].value == 0.0
    assert figures["early_stop_rate"].value + figures["skip_rate"].value >= 1.0
    assert figures["pronunciation_unseen"].value == pytest.approx(0.5)
    assert figures["latency_ttfa_ms"].value <= figures["latency_p95_ms"].value
    assert figures["tokens_per_s"].n == figures["latency_p95_ms"].n
    assert figures["tokens_per_s_batched"].batch == world.params.evaluation.prompted.batch
    assert max(model.batches) == world.params.evaluation.prompted.batch
    assert sum(model.batches) == COUNT, "each sentence is spoken once to be judged"
    write_sentence_table(world.root / "table.csv", found.judged)
    table = (world.root / "table.csv").read_text(encoding="utf-8").splitlines()
    assert table[0].endswith("prompt,prompt_language,prompt_seen,ended_by")
    assert table[1].endswith(",loop")


def test_one_sentence_that_fails_is_one_fault(world: World) -> None:
    refused = world.sentences[3]
    found = world.examined(EspeakPrompted(refused=refused.text), hears=False)
    assert list(found.faults) == [refused.sentence_id]
    missing = {one.name for one in found.not_measured}
    assert {"skip_rate", "early_stop_rate", "pronunciation_seen", "pronunciation_accuracy"} <= missing
    assert next(one for one in found.metrics if one.name == "loop_rate").n == COUNT - 1
