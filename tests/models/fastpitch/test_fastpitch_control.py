"""Control of an utterance and of single words, the times that come with it, and what is refused."""

from __future__ import annotations

import copy
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from components import catalogue
from components.core.errors import DataError
from components.core.paths import project_root
from components.models.fastpitch.control import SymbolControls, by_symbol
from components.models.fastpitch.params import Section
from components.models.fastpitch.speaker import FastPitchSpeaker
from components.models.fastpitch.timings import phoneme_timings, word_timings
from components.nn.control import UNCHANGED, Control
from components.nn.limiter import limited
from components.nn.timed_speech import Timed
from components.stages.shipped import auxiliaries
from components.text import phonemise

CPU = torch.device("cpu")
SERVING = auxiliaries(project_root(), catalogue.load(project_root(), "ci"))
TEXT = "안녕하세요 여러분 반갑습니다"


@pytest.fixture(scope="module")
def speaker(section: Section, learned, tmp_path_factory: pytest.TempPathFactory) -> FastPitchSpeaker:
    folder = tmp_path_factory.mktemp("delivered")
    task, network = learned[0], copy.deepcopy(learned[0].network)
    torch.nn.init.constant_(network.duration_predictor.head.bias, math.log(7.0))
    task.deliver(network.state_dict(), folder)
    return FastPitchSpeaker(section, folder, SERVING, CPU)


def control(**changes: float) -> Control:
    return Control(**{**UNCHANGED.__dict__, **changes})


def test_pace_of_the_utterance(speaker: FastPitchSpeaker) -> None:
    usual = len(speaker.synthesise(TEXT, "ko", "a").samples)
    fast = len(speaker.synthesise(TEXT, "ko", "a", control(pace=2.0)).samples)
    symbols = len(phonemise(TEXT, "ko").symbols)
    assert abs(usual - 2 * fast) <= 2 * 256 * symbols / 2
    assert fast < 0.7 * usual


def test_pitch_shift_moves_f0_and_the_mel(speaker: FastPitchSpeaker) -> None:
    mel, f0 = speaker.frames(TEXT, "ko", "a")
    higher_mel, higher = speaker.frames(TEXT, "ko", "a", control(pitch_shift_semitones=3.0))
    both = (f0 > 0) & (higher > 0)
    assert both.any()
    semitones = 12 * (higher[both] / f0[both]).log2()
    # The decoder may bend the contour otherwise where the pitch is another one; on average it follows.
    assert semitones.median().item() == pytest.approx(3.0, abs=1.0)
    assert not torch.allclose(mel, higher_mel)


def test_pitch_scale_zero_is_a_monotone_and_energy_a_factor() -> None:
    ids, pitch = torch.ones(1, 4, dtype=torch.long), torch.tensor([[-1.0, 0.5, 0.0, 2.0]])
    flat = SymbolControls.of([control(pitch_scale=0.0, pitch_shift_semitones=12.0)] * 4, 0.5, CPU)
    torch.testing.assert_close(flat.on_pitch(pitch), torch.full((1, 4), math.log(2.0) / 0.5))
    louder = SymbolControls.of([control(energy=2.0)] * 4, 0.5, CPU)
    energy = torch.tensor([[0.0, 1.0, 2.0, 3.0]]).log1p()
    torch.testing.assert_close(louder.on_energy(energy).expm1(), torch.tensor([[0.0, 2.0, 4.0, 6.0]]))
    usual = SymbolControls.unchanged(ids)
    assert torch.equal(usual.on_pitch(pitch), pitch)
    torch.testing.assert_close(usual.on_energy(energy), energy)


def test_one_word_is_slowed_and_the_others_are_not(speaker: FastPitchSpeaker) -> None:
    usual = speaker.synthesise_timed(TEXT, "ko", "a")
    slow = speaker.synthesise_timed(TEXT, "ko", "a", word_controls={1: control(pace=0.5)})
    assert [word.text for word in slow.words] == ["안녕하세요", "여러분", "반갑습니다"]
    lengths = [[word.end_s - word.start_s for word in said.words] for said in (usual, slow)]
    assert lengths[1][1] > 1.6 * lengths[0][1]
    for word in (0, 2):
        assert lengths[1][word] == pytest.approx(lengths[0][word], abs=0.02)


def test_times_cover_the_audio_without_gaps(speaker: FastPitchSpeaker) -> None:
    said = speaker.synthesise_timed(TEXT, "ko", "b")
    assert tuple(one.text for one in said.phonemes) == phonemise(TEXT, "ko").symbols
    assert said.phonemes[0].start_s == 0.0
    assert said.phonemes[-1].end_s == pytest.approx(len(said.samples) / said.sample_rate)
    assert all(a.end_s == b.start_s for a, b in itertools.pairwise(said.phonemes))
    assert all(one.start_s < one.end_s for one in (*said.phonemes, *said.words))
    assert all(a.end_s <= b.start_s for a, b in itertools.pairwise(said.words))


def test_streamed_is_synthesised(speaker: FastPitchSpeaker) -> None:
    slower = control(pace=0.7)
    streamed = np.concatenate(list(speaker.stream(TEXT, "ko", "a", slower)))
    np.testing.assert_allclose(streamed, speaker.synthesise(TEXT, "ko", "a", slower).samples, atol=1e-5)


def test_timings_of_frames_and_of_words() -> None:
    phonemes = phoneme_timings(["a", "_", "b"], [2, 1, 3], 0.01, 0.05)
    assert [one.text for one in phonemes] == ["a", "_", "b"]
    assert [round(one.start_s, 6) for one in phonemes] == [0.0, 0.015, 0.025]
    assert phonemes[-1].end_s == 0.05
    words = word_timings([Timed("a", 0, 1), Timed("b", 1, 2), Timed("_", 2, 3), Timed("c", 3, 4)],
                         [0, 0, -1, 2], ["ab", "🙂", "c"])  # fmt: skip
    assert words == (Timed("ab", 0, 2), Timed("c", 3, 4))


@pytest.mark.parametrize(
    "changes",
    [
        {"pace": 0.0}, {"pace": -1.0}, {"pace": math.nan}, {"pitch_scale": -0.1}, {"energy": -1.0},
        {"pitch_shift_semitones": math.inf},
    ],
)  # fmt: skip
def test_impossible_controls_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(DataError, match=f"control {next(iter(changes))}"):
        control(**changes)


@pytest.mark.parametrize("word", [-1, 3])
def test_a_word_that_is_not_there_is_refused(speaker: FastPitchSpeaker, word: int) -> None:
    with pytest.raises(DataError, match=f"word {word}: expected a word from 0 to 2"):
        speaker.synthesise(TEXT, "ko", "a", word_controls={word: control(pace=2.0)})


def test_pauses_follow_the_utterance() -> None:
    slow, fast = control(pace=0.5), control(pace=2.0)
    assert by_symbol(slow, {0: fast}, [0, 0, -1, 1], 2) == [fast, fast, slow, slow]


def test_over_long_text_names_the_limit(section: Section, speaker: FastPitchSpeaker) -> None:
    longest = section.inference.max_symbols
    with pytest.raises(
        DataError, match=rf"at most {longest} symbols \(models\.fastpitch\.inference\.max_symbols"
    ):
        speaker.synthesise("안녕하세요 " * longest, "ko", "a")


@settings(deadline=None)
@given(st.lists(st.floats(-8, 8), min_size=1, max_size=50))
def test_the_limiter_bends_only_what_is_loud(values: list[float]) -> None:
    samples = torch.tensor(values)
    found = limited(samples, 0.7, 0.95)
    assert found.abs().max() <= 0.95
    quiet = samples.abs() <= 0.7
    assert torch.equal(found[quiet], samples[quiet])
    order = samples.argsort()
    assert (found[order].diff() >= 0).all(), "never louder where the sample was quieter"
    assert torch.equal(limited(-samples, 0.7, 0.95), -found)


def test_a_wild_mel_is_no_louder_than_the_corpus(speaker: FastPitchSpeaker, tmp_path: Path) -> None:
    mel, _ = speaker.frames(TEXT, "ko", "a", control(energy=1000.0))
    assert mel.max() <= speaker._ceiling
