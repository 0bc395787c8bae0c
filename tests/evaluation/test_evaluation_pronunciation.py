"""Edit counts against the definition, sentences that cannot be heard, and the ceiling on recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tone_corpus import ToneCorpus, tone

from components.core.edit_distance import edit_counts
from components.core.errors import DataError, NothingScoredError
from components.core.metrics import Evaluator
from components.core.utterance import Language
from components.data.corpus import Corpus
from components.evaluation.pronunciation import (
    Score,
    Transcript,
    error_rates,
    language_means,
    mean_accuracy,
    score_pronunciation,
    score_recordings,
)
from components.evaluation.recordings import Recording, transcribed
from components.evaluation.sentences import Sentence
from components.evaluation.speaking import Spoken, Take
from components.nn.contracts import Speech

symbols = st.lists(st.sampled_from("abc"), max_size=7)


def naive_distance(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """Levenshtein's definition, as a recursion."""

    @cache
    def of(i: int, j: int) -> int:
        if i == 0 or j == 0:
            return i + j
        return min(of(i - 1, j) + 1, of(i, j - 1) + 1, of(i - 1, j - 1) + (one[i - 1] != other[j - 1]))

    return of(len(one), len(other))


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=7), symbols)
def test_counts_add_up_to_the_distance(reference: list[str], heard: list[str]) -> None:
    counts = edit_counts(reference, heard)
    edits = counts.substitutions + counts.deletions + counts.insertions
    assert edits == naive_distance(tuple(reference), tuple(heard))
    assert counts.deletions - counts.insertions == len(reference) - len(heard)
    assert min(counts.substitutions, counts.deletions, counts.insertions) >= 0
    assert counts.error_rate == edits / len(reference)
    assert 0.0 <= counts.accuracy <= 1.0
    assert (counts.accuracy == 1.0) == (reference == heard)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=7), symbols)
def test_turning_the_question_round_swaps_deletions_and_insertions(one: list[str], other: list[str]) -> None:
    if other:
        there, back = edit_counts(one, other), edit_counts(other, one)
        assert (there.substitutions, there.deletions) == (back.substitutions, back.insertions)


def test_kinds_and_the_clip_at_zero() -> None:
    counts = edit_counts("abcd", "abxd")
    assert (counts.substitutions, counts.deletions, counts.insertions) == (1, 0, 0)
    assert counts.accuracy == 0.75
    babble = edit_counts("a", "xyzxyz")
    assert babble.error_rate == 6.0
    assert babble.accuracy == 0.0
    with pytest.raises(NothingScoredError):
        edit_counts("", "a")


@dataclass
class TellTale:
    """Hears the next entry of ``hears`` for each clip; the reference of a text is its characters."""

    hears: list[str]
    clips: list[int] = field(default_factory=list)
    identity: Evaluator = field(
        default_factory=lambda: Evaluator(id="tell-tale", version="1", weights_sha256="0", kind="proxy")
    )

    def transcribe(self, clips: Sequence[Speech], language: Language) -> list[Transcript]:
        self.clips += [len(clip.samples) for clip in clips]
        return [Transcript(tuple(self.hears.pop(0))) for _ in clips]

    def reference(self, text: str, language: Language) -> Transcript:
        return Transcript(tuple(text))


def spoken(name: str, language: Language, text: str, fault: str | None = None) -> Spoken:
    speech = Speech(np.zeros(len(text), np.float32), 16000)
    sentence = Sentence(sentence_id=name, language=language, text=text, kind="statement")
    return Spoken(sentence, "low", Take(speech, 0.1, 0.1), fault)


def test_a_faulty_sentence_counts_as_left_unsaid_and_is_not_heard() -> None:
    sentences = [
        spoken("ko_01", "ko", "abcd"),
        spoken("en_01", "en", "xyz"),
        spoken("ko_02", "ko", "abcdef", fault="silent"),
    ]
    recogniser = TellTale(["abcx", "xyz"])
    scores = score_pronunciation(sentences, recogniser)
    accuracy = {name: score.accuracy for name, score in scores.items()}
    assert accuracy == {"ko_01": 0.75, "en_01": 1.0, "ko_02": 0.0}
    assert scores["ko_02"].counts.deletions == 6
    assert scores["ko_01"].heard.symbols == tuple("abcx")
    assert recogniser.clips == [4, 3]
    languages = {s.sentence.sentence_id: s.sentence.language for s in sentences}
    assert language_means(accuracy, languages) == {"ko": 0.375, "en": 1.0}


def test_nothing_to_hear_is_an_error_not_a_zero() -> None:
    with pytest.raises(NothingScoredError):
        score_pronunciation([spoken("ko_01", "ko", "ab", fault="silent")], TellTale([]))


def score(language: Language, said: str, heard: str, **units: tuple[str, str]) -> Score:
    ours = {name: tuple(value[0]) for name, value in units.items()}
    theirs = {name: tuple(value[1]) for name, value in units.items()}
    return Score.of(language, Transcript(tuple(said), **ours), Transcript(tuple(heard), **theirs))


def test_tones_and_words_are_told_beside_the_accuracy_and_do_not_change_it() -> None:
    scores = {
        "zh_01": score("zh", "abcd", "abcd", tones=("1234", "1134")),
        "zh_02": score("zh", "abcd", "abcx", tones=("55", "")),
        "en_01": score("en", "abc", "abc", words=("abc", "ab")),
    }
    assert [one.accuracy for one in scores.values()] == [1.0, 0.75, 1.0]
    assert error_rates(scores) == {
        "error_zh": pytest.approx(1 / 8),
        "error_en": 0.0,
        "word_error_en": pytest.approx(1 / 3),
        "tone_error": pytest.approx(3 / 6),
    }
    assert mean_accuracy(scores) == pytest.approx(2.75 / 3)
    assert mean_accuracy({}) is None
    assert error_rates({}) == {}


def test_the_ceiling_comes_from_test_recordings_of_the_candidates_voices(tmp_path: Path) -> None:
    corpus = ToneCorpus(tmp_path / "espeak")
    corpus.add("kept", split="test", text="abcd")
    corpus.add("short", tone(0.2), split="test", text="ab", language="en")
    corpus.add("trained", split="train")
    corpus.add("chosen_on", split="validation")
    corpus.add("other", split="test", speaker_id="spk2")
    corpus.add("foreign", split="test", language="it", text="ciao")
    found = transcribed([Corpus(corpus.write())], ["spk1"])
    assert [r.utterance.utterance_id for r in found] == ["kept", "short"]
    scores = score_recordings(found, TellTale(["abcx", "ab"]))
    assert {name: one.accuracy for name, one in scores.items()} == {"kept": 0.75, "short": 1.0}
    assert mean_accuracy(scores) == pytest.approx(0.875)
    assert score_recordings([], TellTale([])) == {}


def test_a_recording_that_changed_is_an_error(tmp_path: Path) -> None:
    corpus = ToneCorpus(tmp_path / "espeak")
    row = corpus.add("gone", split="test")
    with pytest.raises(DataError, match="gone"):
        score_recordings([Recording(row, tmp_path / "nowhere.wav")], TellTale([]))
