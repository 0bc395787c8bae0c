"""Edit counts against the definition, and what becomes of sentences that cannot be heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import NothingScoredError
from components.core.metrics import Evaluator
from components.core.params.kpi import EvaluatorParams
from components.core.utterance import Language
from components.evaluation.pronunciation import (
    edit_counts,
    language_means,
    recogniser_for,
    score_pronunciation,
)
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

    def transcribe(self, clips: Sequence[Speech], language: Language) -> list[Sequence[str]]:
        self.clips += [len(clip.samples) for clip in clips]
        return [self.hears.pop(0) for _ in clips]

    def reference(self, text: str, language: Language) -> Sequence[str]:
        return text


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
    counts = score_pronunciation(sentences, recogniser)
    accuracy = {name: count.accuracy for name, count in counts.items()}
    assert accuracy == {"ko_01": 0.75, "en_01": 1.0, "ko_02": 0.0}
    assert counts["ko_02"].deletions == 6
    assert recogniser.clips == [4, 3]
    languages = {s.sentence.sentence_id: s.sentence.language for s in sentences}
    assert language_means(accuracy, languages) == {"ko": 0.375, "en": 1.0}


def test_nothing_to_hear_is_an_error_not_a_zero() -> None:
    with pytest.raises(NothingScoredError):
        score_pronunciation([spoken("ko_01", "ko", "ab", fault="silent")], TellTale([]))


def test_without_a_recogniser_there_is_a_reason() -> None:
    recogniser, reason = recogniser_for(EvaluatorParams(id="none", version="", kind="proxy"))
    assert recogniser is None
    assert "evaluation.recogniser.id is none" in reason
    recogniser, reason = recogniser_for(EvaluatorParams(id="openai/whisper", version="", kind="reference"))
    assert recogniser is None
    assert "openai/whisper" in reason
