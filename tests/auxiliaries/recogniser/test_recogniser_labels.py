"""Labels, masks, and greedy decoding against its definition."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from components.auxiliaries.recogniser.decoding import greedy
from components.auxiliaries.recogniser.labels import BLANK, Labels, segments, tones
from components.core.errors import CorruptFileError
from components.core.utterance import LANGUAGES
from components.text import PAD, UNK, phonemise

LABELS = Labels.among([("ko", ["n", "ɐ"]), ("en", ["n", "æ"]), ("ja", ["a"]), ("zh", ["ɤ", "n"])])


def test_pauses_stress_and_tones_are_no_labels() -> None:
    assert segments([PAD, UNK, "_"]) == ()
    english = segments(phonemise("Nothing, absolutely nothing.", "en").symbols)
    assert not any("ˈ" in one or "ˌ" in one or one == "_" for one in english)
    chinese = phonemise("妈妈骑马。", "zh").symbols
    assert not any(digit in one for one in segments(chinese) for digit in "12345")


def test_tones_are_one_a_syllable_and_mandarins_only() -> None:
    assert len(tones(phonemise("今天天气很好", "zh").symbols)) == 6
    assert set(tones(phonemise("今天天气很好", "zh").symbols)) <= {1, 2, 3, 4, 5}
    assert tones(phonemise("오늘 날씨", "ko").symbols) == ()


def test_what_sounds_the_same_is_one_label() -> None:
    assert segments(phonemise("왜", "ko").symbols) != segments(phonemise("외", "ko").symbols)
    assert segments(phonemise("웨", "ko").symbols) == segments(phonemise("외", "ko").symbols)


def test_a_language_may_be_heard_as_its_own_labels_and_blank_only() -> None:
    allowed = LABELS.allowed()
    assert allowed.shape == (len(LANGUAGES), LABELS.classes)
    assert allowed[:, BLANK].all()
    for row, language in enumerate(LANGUAGES):
        heard = {LABELS.names[i - 1] for i in range(1, LABELS.classes) if allowed[row, i]}
        assert heard == set(LABELS.of_language[language])


def test_labels_survive_the_card_and_damage_is_told() -> None:
    assert Labels.from_json(LABELS.to_json()) == LABELS
    with pytest.raises(CorruptFileError, match="of_language"):
        Labels.from_json({"names": ["a"]})


@given(st.lists(st.integers(1, 4), max_size=8), st.data())
def test_decoding_undoes_repetition_and_blanks(said: list[int], data: st.DataObject) -> None:
    path: list[int] = []
    for previous, number in itertools.pairwise([BLANK, *said]):
        least = 1 if previous == number else 0  # only a blank parts two of the same
        path += [BLANK] * data.draw(st.integers(least, 2)) + [number] * data.draw(st.integers(1, 3))
    path += [BLANK] * data.draw(st.integers(0, 2))
    beyond = [3, BLANK, 2]  # padding that must not be read
    scores = torch.nn.functional.one_hot(torch.tensor([path + beyond]), 5).float()
    assert greedy(scores, torch.tensor([len(path)])) == [said]
