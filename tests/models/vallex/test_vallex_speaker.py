"""A delivered network speaks: in one piece, in a stream, in another language, and refuses what it cannot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from counting_codec import CountingCodec
from tiny_vallex import CPU
from tone_corpus import RATE, tone
from torch import Tensor

from components.core.errors import ConfigError, DataError
from components.models.vallex.params import Section, TimbreLimits
from components.models.vallex.speaker import VallexSpeaker
from components.nn.contracts import Speech
from components.nn.prompting import Line, Voice

TEXT = "We were away, a year ago. Please call Stella, and ask her to come."


@pytest.fixture(scope="module")
def speaker(section: Section, delivered: Path) -> VallexSpeaker:
    return VallexSpeaker(section, delivered, CountingCodec(), CPU)


@pytest.fixture(scope="module")
def voice(speaker: VallexSpeaker) -> Voice:
    return speaker.voice(Speech(tone(1.0), RATE), "안녕하세요", "ko")


def test_a_text_is_spoken_in_pieces(speaker: VallexSpeaker, voice: Voice) -> None:
    found = speaker.speak(TEXT, "en", voice, 1)
    assert len(found.endings) > 2
    assert found.speech.sample_rate == 24000
    assert len(found.speech.samples) % 480 == 0
    assert np.isfinite(found.speech.samples).all()
    again = speaker.speak(TEXT, "en", voice, 1)
    assert np.array_equal(found.speech.samples, again.speech.samples)


@pytest.mark.parametrize("expected", [True, False], ids=["means", "codes"])
def test_a_voice_that_the_codec_loses_is_approached(
    section: Section, delivered: Path, voice: Voice, expected: bool
) -> None:
    """The counting codec loses 1 neper of every voice; its sound becomes as loud as the prompt on average."""

    def speaking(timbre: TimbreLimits | None) -> VallexSpeaker:
        rules = section.inference.model_copy(update={"timbre": timbre, "expected": expected})
        changed = section.model_copy(update={"inference": rules})
        return VallexSpeaker(changed, delivered, CountingCodec(), CPU)

    whole, nothing = (TimbreLimits(none_below=low, whole_above=low + 0.5) for low in (0.2, 2.0))
    assert voice.timbre is None, "params.yaml and the ci profile leave speech as the codes have it"
    prompt = Speech(tone(1.0), RATE)
    as_coded = speaking(None).speak("Hello.", "en", voice, 1).speech.samples
    known = speaking(nothing)
    left = known.speak("Hello.", "en", known.voice(prompt, "안녕하세요", "ko"), 1).speech.samples
    assert np.allclose(left, as_coded, atol=1e-6)
    speaker = speaking(whole)
    heard = speaker.voice(prompt, "안녕하세요", "ko")
    assert heard.timbre is not None
    near = speaker.speak("Hello.", "en", heard, 1).speech.samples
    assert near.mean() == pytest.approx(float(heard.timbre.mel), abs=1e-3)
    assert not np.allclose(near, as_coded, atol=1e-3)
    streamed = np.concatenate(list(speaker.stream("Hello.", "en", heard, 1)))
    assert streamed.shape == near.shape


def test_lines_in_a_batch_say_what_they_say_alone(speaker: VallexSpeaker, voice: Voice) -> None:
    lines = [Line(TEXT, "en", voice, 1), Line("안녕하세요", "ko", voice, 5), Line("Hello.", "en", voice, 9)]
    together = speaker.speak_all(lines)
    alone = [speaker.speak(one.text, one.language, one.voice, one.seed) for one in lines]
    assert [one.endings for one in together] == [one.endings for one in alone]
    assert [one.frames for one in together] == [one.frames for one in alone]
    for one, other in zip(together, alone, strict=True):
        assert np.allclose(one.speech.samples, other.speech.samples, atol=1e-5)
        assert len(one.speech.samples) == 480 * one.frames


def test_prompt_and_text_keep_their_languages(speaker: VallexSpeaker, voice: Voice) -> None:
    request = speaker._requests("Hello.", "en", voice, 0)[0]
    assert set(request.languages[: len(voice.symbols)]) == {0}
    assert set(request.languages[len(voice.symbols) :]) == {1}
    assert request.target_symbols == len(request.symbols) - len(voice.symbols)


def test_a_stream_is_as_long_as_the_whole_and_begins_early(speaker: VallexSpeaker, voice: Voice) -> None:
    whole = speaker.speak(TEXT, "en", voice, 2)
    if "loop" in whole.endings:
        pytest.skip("a loop takes back what a stream has said")
    chunks = list(speaker.stream(TEXT, "en", voice, 2))
    assert sum(map(len, chunks)) == len(whole.speech.samples)
    assert len(chunks) > 2
    assert 0 < len(chunks[0]) < len(whole.speech.samples) / 2


def test_means_are_heard_instead_of_codes(section: Section, delivered: Path) -> None:
    """The same codes; every sample is the level of a mean over them, and so is a stream's."""
    codec = CountingCodec()
    codec.vectors = torch.cat(
        [codec.vectors[:1], torch.zeros(2, 16, 1)]
    )  # chunks may tell the others otherwise
    told = section.inference.model_copy(update={"expected": True})
    both = [section, section.model_copy(update={"inference": told})]
    plain, mean = (VallexSpeaker(one, delivered, codec, CPU) for one in both)
    voice = mean.voice(Speech(tone(1.0), RATE), "안녕하세요", "ko")
    drawn, heard = (one.speak("Hello there.", "en", voice, 3) for one in (plain, mean))
    assert (drawn.endings, drawn.frames) == (heard.endings, heard.frames)
    assert len(heard.speech.samples) == len(drawn.speech.samples)
    assert not np.allclose(heard.speech.samples, drawn.speech.samples, atol=0.02)
    assert 0 < heard.speech.samples.min() <= heard.speech.samples.max() < 15 / 32
    if "loop" not in heard.endings:
        streamed = np.concatenate(list(mean.stream("Hello there.", "en", voice, 3)))
        np.testing.assert_allclose(streamed, heard.speech.samples, atol=1e-4)


@pytest.mark.parametrize("seconds", [0.1, 60.0])
def test_a_prompt_of_another_length_is_refused(speaker: VallexSpeaker, seconds: float) -> None:
    with pytest.raises(DataError, match=r"0\.2 to 3 s"):
        speaker.voice(Speech(tone(seconds), RATE), "안녕", "ko")


def test_what_cannot_be_spoken_is_refused(speaker: VallexSpeaker, voice: Voice) -> None:
    with pytest.raises(DataError, match="text"):
        speaker.speak("  ", "en", voice, 0)
    with pytest.raises(DataError, match="language 'fr'"):
        speaker.speak("Bonjour", "fr", voice, 0)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="text"):
        speaker.stream("", "ko", voice, 0)


def test_another_codec_is_refused(section: Section, delivered: Path) -> None:
    with pytest.raises(ConfigError, match="codec"):
        VallexSpeaker(section, delivered, CountingCodec("d" * 64), CPU)


class _Loud(CountingCodec):
    """Louder than full scale, as a synthesis without limits may be."""

    def decode(self, codes: Tensor, first: int = 0) -> Tensor:
        return torch.full_like(super().decode(codes, first), 3.0)


def test_a_loud_voice_is_bent_instead_of_clipped(section: Section, delivered: Path) -> None:
    speaker = VallexSpeaker(section, delivered, _Loud(), CPU)
    voice = speaker.voice(Speech(tone(1.0), RATE), "안녕하세요", "ko")
    whole = speaker.speak("Hello.", "en", voice, 1).speech.samples
    streamed = np.concatenate(list(speaker.stream("Hello.", "en", voice, 1)))
    for samples in (whole, streamed):
        assert len(samples)
        assert np.abs(samples).max() <= section.inference.peak_limit
