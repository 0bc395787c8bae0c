"""The decoder that ends in a mel: recordings come back, pitch goes where it is sent, parts are the whole."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_rvc import gliding, section_of
from torch import Tensor

from components.evaluation.f0_agreement import agreement
from components.features.mel import MelAnalysis, filterbank
from components.features.pitch import PitchAnalysis, f0_where_voiced
from components.models.rvc.hearing import content_at_speed, content_of, features_of, pitch_of
from components.models.rvc.params import Architecture
from components.models.rvc.pitch import coarse_pitch, step_frequencies
from components.models.rvc.spectral_decoder import MelDecoder, templates
from components.models.rvc.spectrum import LinearSpectrum

DIO = PitchAnalysis("dio", 50.0, 1100.0)
HOP, FEATURES = 160, 99


@pytest.fixture(scope="module")
def architecture() -> Architecture:
    """The laptop's."""
    return section_of("laptop").architecture


def decoder_of(architecture: Architecture, mel: Tensor | None = None) -> MelDecoder:
    """With random weights, or one that always says ``mel`` [T, n_mels]."""
    assert architecture.spectral_decoder is not None
    torch.manual_seed(0)
    made = MelDecoder(architecture, architecture.spectral_decoder, 50.0, 1100.0).eval()
    if mel is not None:
        made.register_forward_hook(lambda *_: mel[None])
    return made


def heard(architecture: Architecture, hertz: float) -> tuple[Tensor, Tensor, Tensor]:
    """Samples, f0 [T] and log-mel [T, n_mels] of two seconds of a made-up voice."""
    samples = gliding(2.0, hertz)
    f0 = torch.from_numpy(pitch_of(samples, FEATURES, DIO))
    own = torch.from_numpy(samples[: len(f0) * HOP])
    bank = torch.tensor(filterbank(MelAnalysis.of(architecture, 1e-5)))
    spectrum = LinearSpectrum(architecture)(own[None])[0].t()
    return own, f0, (spectrum @ bank.t()).clamp(min=1e-5).log()


def says(decoder: MelDecoder, f0: Tensor) -> Tensor:
    z, speaker = torch.zeros(1, 96, len(f0)), torch.zeros(1, 64)
    return decoder.samples(z, decoder.tone(f0, 0), speaker)


def test_a_recording_comes_back_from_its_mel_and_f0(architecture: Architecture) -> None:
    for hertz in (110.0, 220.0):
        own, f0, mel = heard(architecture, hertz)
        made = says(decoder_of(architecture, mel), f0)
        assert made.shape == own.shape
        found = f0_where_voiced(made.numpy(), 16000, HOP, DIO)[: len(f0)]
        agreed = agreement(found, f0.numpy())
        assert agreed.gross_error < 0.02
        assert agreed.voicing_error < 0.1
        bank = torch.tensor(filterbank(MelAnalysis.of(architecture, 1e-5)))
        again = (LinearSpectrum(architecture)(made[None])[0].t() @ bank.t()).clamp(min=1e-5).log()
        error, spread = (again - mel).abs().mean(), (mel - mel.mean(dim=0)).abs().mean()
        assert error < 0.4 * spread, "frames lie where they were"


def test_a_part_is_the_part_of_the_whole(architecture: Architecture) -> None:
    decoder = decoder_of(architecture)
    f0 = torch.full((160,), 150.0)
    f0[20:40], f0[90:100] = 0.0, 0.0
    z, speaker = torch.randn(1, 96, 160), torch.randn(1, 64)
    tone, reach = decoder.tone(f0, 7), decoder.reach_frames
    with torch.inference_mode():
        whole = decoder.samples(z, tone, speaker)
        start, first, last, stop = 60 - reach, 60, 110, min(160, 110 + reach)
        part = decoder.samples(z[:, :, start:stop], tone.part(start, stop), speaker)
    wanted = whole[first * HOP : last * HOP]
    assert wanted.std() > 1e-3
    torch.testing.assert_close(
        part[(first - start) * HOP : (last - start) * HOP], wanted, atol=1e-3 * float(wanted.std()), rtol=0
    )


def test_the_phase_runs_on_through_unvoiced_frames_and_from_anywhere(architecture: Architecture) -> None:
    decoder = decoder_of(architecture)
    f0 = torch.tensor([0.0, 0.0, 100.0, 200.0, 0.0, 0.0, 150.0])
    tone = decoder.tone(f0, 0)
    assert tone.frequency.tolist() == [100.0, 100.0, 100.0, 200.0, 200.0, 200.0, 150.0]
    expected = [0.0, 1.0, 2.0, 3.5, 5.5, 7.5, 9.25, 10.75]
    assert tone.phase.tolist() == pytest.approx(expected)
    assert tone.through(3, 0.25).phase.tolist() == pytest.approx([one - 3.25 for one in expected])
    nothing = decoder.tone(torch.zeros(4), 0)
    assert torch.isfinite(nothing.phase).all()


def test_templates_have_their_harmonics_where_f0_puts_them(architecture: Architecture) -> None:
    analysis = MelAnalysis.of(architecture, 1e-5)
    hertz = step_frequencies(50.0, 1100.0, architecture.pitch_bins)
    assert hertz[0] == 0.0
    assert hertz[[1, -1]].tolist() == pytest.approx([50.0, 1100.0])
    steps = coarse_pitch(torch.tensor(hertz), 50.0, 1100.0, architecture.pitch_bins)
    assert steps.tolist() == list(range(architecture.pitch_bins)), "each frequency lies in its own step"
    table = templates(analysis, hertz)
    assert not table[0].any()
    bands = filterbank(analysis).argmax(axis=1) * analysis.sample_rate / analysis.n_fft
    for place in (120, 180):
        low = bands < 5 * hertz[place]
        peak = bands[low][table[place][low].argmax()]
        multiple = peak / hertz[place]
        assert abs(multiple - round(multiple)) * hertz[place] < 2 * analysis.sample_rate / analysis.n_fft


class Clock:
    """A content encoder that tells the time: the middle of what a feature hears, by a rising level."""

    label, dim, sha256 = "clock", 1, "c" * 64

    def features(self, samples: np.ndarray) -> Tensor:
        count = features_of(len(samples))
        return torch.tensor([[samples[320 * t : 320 * t + 400].mean()] for t in range(count)])


@pytest.mark.parametrize("speed", [0.8, 1.0, 1.25])
def test_content_at_another_speed_lies_where_it_was(speed: float) -> None:
    ramp = np.linspace(0.0, 1.0, 32000, dtype=np.float32)
    features = features_of(len(ramp))
    found = content_at_speed(ramp, features, speed, Clock())
    assert found.shape == (features, 1)
    expected = content_of(ramp, features, Clock())
    # The last moments of a faster recording have no whole feature of their own.
    torch.testing.assert_close(found[2:-3], expected[2:-3], atol=2e-3, rtol=0)
