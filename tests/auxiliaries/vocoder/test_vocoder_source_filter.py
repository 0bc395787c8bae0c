"""The source-filter vocoder: the melody of f0 on the mel's magnitude, in chunks as in one piece."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spoken_english import ANALYSIS, PITCH, Spoken

from components.auxiliaries.vocoder.build import build
from components.auxiliaries.vocoder.excitation import Excitation, source
from components.auxiliaries.vocoder.fidelity import fidelity
from components.auxiliaries.vocoder.griffin_lim import GriffinLim
from components.auxiliaries.vocoder.params import Architecture, Streaming
from components.auxiliaries.vocoder.source_filter import SourceFilterVocoder
from components.core.errors import DataError
from components.features.mel import log_mel, magnitudes

CPU = torch.device("cpu")
SILENCE = float(np.log(ANALYSIS.log_floor))


@pytest.fixture(scope="module")
def vocoder(laptop: Architecture) -> SourceFilterVocoder:
    made = build(laptop, ANALYSIS.log_floor, None, CPU)
    assert isinstance(made, SourceFilterVocoder)
    return made


def chunked(laptop: Architecture, first: int, rest: int, iterations: int) -> SourceFilterVocoder:
    effort = laptop.source_filter.model_copy(update={"iterations": iterations})
    sizes = Streaming(first_chunk_frames=first, chunk_frames=rest)
    return SourceFilterVocoder(ANALYSIS, effort, sizes, None, CPU, "")


def test_it_keeps_mel_and_melody_better_than_as_many_iterations_from_nothing(
    vocoder: SourceFilterVocoder, laptop: Architecture, speech: Spoken
) -> None:
    mel, f0 = speech.mel.numpy(), speech.f0.numpy()
    ours = fidelity(mel, f0, vocoder(speech.mel, speech.f0).numpy(), ANALYSIS, PITCH).figures()
    bare = GriffinLim(ANALYSIS, laptop.source_filter.iterations, laptop.source_filter.momentum, CPU)
    theirs = fidelity(mel, f0, bare(speech.mel).numpy(), ANALYSIS, PITCH).figures()
    assert ours["mel_l1"] < min(0.3, theirs["mel_l1"])
    assert ours["gross_f0_error"] < 0.04
    assert ours["voicing_error"] < min(0.12, theirs["voicing_error"])


@given(
    first=st.integers(1, 40),
    rest=st.integers(1, 90),
    iterations=st.integers(0, 8),
    frames=st.integers(1, 120),
)
@settings(max_examples=20, deadline=None)
def test_streaming_equals_offline(
    laptop: Architecture, speech: Spoken, first: int, rest: int, iterations: int, frames: int
) -> None:
    vocoder = chunked(laptop, first, rest, iterations)
    mel, f0 = speech.mel[60 : 60 + frames], speech.f0[60 : 60 + frames]
    chunks = list(vocoder.stream(mel, f0))
    assert all(len(chunk) <= max(first, rest) * 256 for chunk in chunks)
    assert len(chunks[0]) == min(first, frames - 1) * 256
    torch.testing.assert_close(torch.cat(chunks), vocoder(mel, f0), atol=1e-5, rtol=1e-4)


def test_the_first_chunk_is_computed_before_the_second_is_asked_for(
    laptop: Architecture, speech: Spoken, monkeypatch: pytest.MonkeyPatch
) -> None:
    vocoder = chunked(laptop, 4, 8, 2)
    asked: list[tuple[int, int]] = []
    computed = vocoder.samples

    def watched(mel: torch.Tensor, course: object, start: int, stop: int) -> torch.Tensor:
        asked.append((start, stop))
        return computed(mel, course, start, stop)  # type: ignore[arg-type]

    monkeypatch.setattr(vocoder, "samples", watched)
    stream = vocoder.stream(speech.mel, speech.f0)
    assert asked == []
    next(stream)
    assert asked == [(0, 4)]


@pytest.mark.parametrize("frames", [1, 2, 3, 40])
@pytest.mark.parametrize("hz", [0.0, 180.0])
def test_length_and_silence_down_to_one_frame(vocoder: SourceFilterVocoder, frames: int, hz: float) -> None:
    mel, f0 = torch.full((frames, 80), SILENCE), torch.full((frames,), hz)
    samples = vocoder(mel, f0)
    assert samples.shape == ((frames - 1) * 256,)
    assert torch.isfinite(samples).all()
    assert frames == 1 or samples.abs().max() < 1e-2
    assert torch.equal(torch.cat(list(vocoder.stream(mel, f0))), samples)


def test_the_same_input_gives_the_same_audio_whatever_was_drawn_before(
    vocoder: SourceFilterVocoder, speech: Spoken
) -> None:
    first = vocoder(speech.mel, speech.f0)
    torch.rand(7)
    assert torch.equal(vocoder(speech.mel, speech.f0), first)


def test_without_f0_and_without_a_network_it_says_what_is_missing(
    vocoder: SourceFilterVocoder, speech: Spoken
) -> None:
    with pytest.raises(DataError, match="pitch network"):
        vocoder(speech.mel)


@pytest.mark.parametrize(
    ("mel", "f0", "found"),
    [
        (torch.full((5, 80), torch.nan), torch.zeros(5), "NaN"),
        (torch.full((5, 80), torch.inf), torch.zeros(5), "infinite"),
        (torch.zeros(5, 40), torch.zeros(5), r"\(5, 40\)"),
        (torch.zeros(0, 80), torch.zeros(0), r"\(0, 80\)"),
        (torch.zeros(5, 80), torch.zeros(4), r"\(4,\)"),
        (torch.zeros(5, 80), torch.full((5,), -1.0), "negative"),
        (torch.zeros(5, 80), torch.full((5,), torch.nan), "NaN"),
    ],
)
def test_unusable_input_is_refused_before_anything_is_heard(
    vocoder: SourceFilterVocoder, mel: torch.Tensor, f0: torch.Tensor, found: str
) -> None:
    with pytest.raises(DataError, match=found):
        vocoder(mel, f0)
    with pytest.raises(DataError, match=found):
        vocoder.stream(mel, f0)


@given(st.lists(st.sampled_from([0.0, 60.0, 150.0, 400.0, 1000.0]), min_size=1, max_size=30))
@settings(max_examples=30, deadline=None)
def test_any_stretch_of_pulses_is_the_same_as_in_the_whole(f0: list[float]) -> None:
    excitation = Excitation(22050, 256, CPU)
    course = source(np.array(f0, dtype=np.float32), 256 / 22050, 5)
    end = (len(f0) - 1) * 256 + 512
    whole = excitation.pulses(course, -512, end)
    middle = end // 3
    assert torch.equal(excitation.pulses(course, middle, end), whole[middle + 512 :])
    assert whole.shape == (end + 512,)


def test_pulses_come_at_the_pitch_and_carry_unit_power() -> None:
    excitation = Excitation(22050, 256, CPU)
    course = source(np.full(200, 137.0, dtype=np.float32), 256 / 22050, 5)
    pulses = excitation.pulses(course, 0, 199 * 256).numpy().astype(np.float64)
    places = np.arange(len(pulses))
    # Each pulse's two halves: the height-weighted place is where the pulse fell, a fixed period apart.
    heads = np.flatnonzero((pulses[1:] > 0) & (pulses[:-1] <= 0)) + 1
    fell = [(places[h : h + 2] @ pulses[h : h + 2]) / pulses[h : h + 2].sum() for h in heads[1:-1]]
    np.testing.assert_allclose(np.diff(fell), 22050 / 137.0, atol=1e-2)
    height = np.add.reduceat(pulses, heads[1:-1])
    np.testing.assert_allclose(height[:-1], np.sqrt(22050 / 137.0), rtol=1e-5)


def test_the_phase_runs_on_through_unvoiced_frames_and_over_a_glide() -> None:
    f0 = np.array([100.0] * 10 + [0.0] * 10 + [200.0] * 10, dtype=np.float32)
    course = source(f0, 0.01, 3)
    assert (np.diff(course.phase) > 0).all()
    assert course.frequency.min() >= 100.0 - 1e-9
    assert course.frequency.max() <= 200.0 + 1e-9
    np.testing.assert_allclose(
        np.diff(course.phase), 0.005 * (course.frequency[1:] + course.frequency[:-1]), atol=1e-9
    )
    excitation = Excitation(22050, 220, CPU)
    assert excitation.pulses(course, 12 * 220, 18 * 220).abs().max() == 0


def test_another_hop_and_window_work_too(laptop: Architecture) -> None:
    values = laptop.model_dump()
    values |= {"sample_rate_hz": 16000, "hop_length": 200, "n_fft": 800, "win_length": 800, "fmax_hz": 7600.0}
    values["generator"] |= {"upsample_rates": [10, 10, 2], "upsample_kernels": [20, 20, 4]}
    made = build(Architecture.model_validate(values), 1e-5, None, CPU)
    t = np.arange(16000) / 16000
    buzz = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 20)).astype(np.float32) * 0.2
    mel = torch.from_numpy(log_mel(magnitudes(buzz, made.analysis), made.analysis))
    f0 = torch.full((len(mel),), 140.0)
    samples = made(mel, f0)
    copied = log_mel(magnitudes(samples.numpy(), made.analysis), made.analysis)[3:-3]
    wanted = mel.numpy()[3 : len(copied) + 3]
    assert np.abs(copied - wanted)[wanted > -6].mean() < 0.3
    torch.testing.assert_close(torch.cat(list(made.stream(mel, f0))), samples, atol=1e-5, rtol=1e-4)
