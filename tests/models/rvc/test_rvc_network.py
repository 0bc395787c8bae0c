"""RVC's networks: published size, shapes, a flow that can be undone, and nothing heard of padding."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tiny_rvc import section_of
from torch import nn

from components.models.rvc.network import PitchRange, RvcGenerator, add_generator_weight_norm
from components.models.rvc.noise import noise_at
from components.models.rvc.params import Section
from components.models.rvc.pitch import coarse_pitch, excitation, phase_after
from components.models.rvc.posterior import kl_divergence
from components.models.rvc.spectral_decoder import MelJudge
from components.models.rvc.spectrum import LinearSpectrum
from components.nn.discriminators import Discriminators
from components.nn.masks import valid_positions
from components.nn.weight_norm import folded
from components.nn.windowed_attention import WindowedRelativeAttention

RANGE = PitchRange(50.0, 1100.0)


def millions(module: nn.Module) -> float:
    return sum(p.numel() for p in module.parameters()) / 1e6


def test_published_size_and_lengths_on_the_meta_device(paper: Section) -> None:
    a = paper.architecture
    with torch.device("meta"):
        generator = RvcGenerator(a, RANGE)
        add_generator_weight_norm(generator)
        judges = Discriminators(a.discriminators, spectral=False)
        source, condition = torch.zeros(1, 100 * 320), torch.zeros(1, 256)
        assert generator.decoder(torch.zeros(1, 192, 100), source, condition).shape == (1, 32000)
        judgements = judges(torch.zeros(2, paper.training.segment_samples))
    found = {name: round(millions(part), 2) for name, part in generator.named_children()}
    assert found == {"prior": 6.50, "posterior": 8.82, "flow": 6.52, "decoder": 15.01, "speakers": 0.03}
    assert millions(generator) == pytest.approx(36.88, abs=0.005)
    assert millions(judges) == pytest.approx(71.41, abs=0.005)
    assert len(judgements) == 9


def test_the_laptops_weights_fit_into_a_small_file() -> None:
    section = section_of("laptop")
    with torch.device("meta"):
        generator = RvcGenerator(section.architecture, RANGE)
        assert section.architecture.spectral_decoder is not None
        judges = MelJudge(section.architecture.spectral_decoder.judge_channels)
    a, speakers = section.architecture, 6  # four generated voices and two people
    index = speakers * section.training.index_centroids * a.content_encoder.dim / 1e6
    assert 2 * (millions(generator) + millions(judges) + index) < 8.0, "MB in float16"


def test_the_flow_can_be_undone_and_moves(generator: RvcGenerator) -> None:
    z, condition = torch.randn(2, 8, 13), torch.randn(2, 8)
    valid = valid_positions(torch.tensor([13, 9]), 13)
    z = z * valid.unsqueeze(1)
    moved = generator.flow(z, valid, condition)
    assert (moved - z).abs().max() > 0.1
    torch.testing.assert_close(generator.flow.inverse(moved, valid, condition), z, atol=1e-5, rtol=1e-5)
    other = generator.flow.inverse(moved, valid, condition + 1)
    assert (other - z).abs().max() > 0.01, "the speaker has a say"


def test_a_fresh_flow_only_turns_the_channels_round(section: Section) -> None:
    flow = RvcGenerator(section.architecture, RANGE).flow
    z, valid = torch.randn(1, 8, 5), torch.ones(1, 5, dtype=torch.bool)
    torch.testing.assert_close(flow(z, valid, torch.randn(1, 8)), z)  # two flips


def test_padding_and_batch_are_not_heard(generator: RvcGenerator) -> None:
    content, f0 = torch.randn(2, 10, 24), 100 + 200 * torch.rand(2, 20)
    lengths, condition = torch.tensor([14, 20]), torch.randn(2, 8)
    valid = valid_positions(lengths, 20)
    both = generator.prior_statistics(content, f0, valid)
    spectra = torch.rand(2, 257, 20)
    heard = generator.posterior(spectra, valid, condition)
    moved = generator.flow(heard[0], valid, condition)
    alone = torch.ones(1, 14, dtype=torch.bool)
    one = generator.prior_statistics(content[:1, :7], f0[:1, :14], alone)
    heard_alone = generator.posterior(spectra[:1, :, :14], alone, condition[:1])
    pairs = [(both[0], one[0]), (both[1], one[1]), (heard[0], heard_alone[0]), (heard[1], heard_alone[1])]
    pairs.append((moved, generator.flow(heard_alone[0], alone, condition[:1])))
    for padded, unpadded in pairs:
        torch.testing.assert_close(padded[:1, :, :14], unpadded, atol=1e-5, rtol=1e-4)
        assert not padded[0, :, 14:].any()


def test_conversion_needs_no_posterior(generator: RvcGenerator) -> None:
    content, f0, noise = torch.randn(1, 6, 24), torch.full((1, 12), 150.0), torch.randn(1, 8, 12)
    before = generator.latents(content, f0, torch.tensor([1]), noise)
    del generator.posterior
    after = generator.latents(content, f0, torch.tensor([1]), noise)
    assert torch.equal(before, after)
    assert not torch.equal(before, generator.latents(content, f0, torch.tensor([2]), noise))
    assert not torch.equal(before, generator.latents(content, 2 * f0, torch.tensor([1]), noise))


def test_folding_takes_weight_norm_out_and_changes_nothing(section: Section, generator: RvcGenerator) -> None:
    normed = RvcGenerator(section.architecture, RANGE)
    normed.load_state_dict(generator.state_dict())
    add_generator_weight_norm(normed)
    content, f0, noise = torch.randn(1, 6, 24), torch.full((1, 12), 150.0), torch.randn(1, 8, 12)
    inputs = (content, f0, torch.tensor([1]), noise)
    torch.testing.assert_close(normed.latents(*inputs), generator.latents(*inputs))
    target = RvcGenerator(section.architecture, RANGE)
    add_generator_weight_norm(target)
    state = {f"g.{name}": value for name, value in normed.state_dict().items()}
    plain = folded(target, state, "g.")
    assert plain.keys() == generator.state_dict().keys()
    for name, value in generator.state_dict().items():
        torch.testing.assert_close(plain[name], value)


def test_windowed_attention_is_the_papers_equation() -> None:
    torch.manual_seed(0)
    block = WindowedRelativeAttention(channels=6, heads=2, window=2)
    x, valid = torch.randn(1, 7, 6), torch.tensor([[True] * 6 + [False]])
    projected = block.to_query_key_value(x).view(7, 3, 2, 3)
    mixed = torch.zeros(7, 2, 3)
    for head in range(2):
        q, k, v = projected[:, 0, head], projected[:, 1, head], projected[:, 2, head]
        for i in range(7):
            near = [j - i + 2 if abs(j - i) <= 2 else None for j in range(6)]
            a = [block.relative_keys[r] if r is not None else torch.zeros(3) for r in near]
            b = [block.relative_values[r] if r is not None else torch.zeros(3) for r in near]
            scores = torch.stack([q[i] @ (k[j] + a[j]) / math.sqrt(3) for j in range(6)])
            weights = scores.softmax(0)
            mixed[i, head] = sum(weights[j] * (v[j] + b[j]) for j in range(6))
    expected = block.to_output(mixed.reshape(1, 7, 6))
    torch.testing.assert_close(block(x, valid), expected, atol=1e-5, rtol=1e-4)


def test_coarse_steps_are_even_on_the_mel_scale() -> None:
    hertz = torch.tensor([0.0, 20.0, 50.0, 1100.0, 3000.0])
    assert coarse_pitch(hertz, 50.0, 1100.0, 256).tolist() == [0, 1, 1, 255, 255]
    mel = 1127 * np.log1p(200 / 700)
    low, high = (1127 * np.log1p(x / 700) for x in (50, 1100))
    expected = 1 + round((mel - low) / (high - low) * 254)
    assert coarse_pitch(torch.tensor([200.0]), 50.0, 1100.0, 256).item() == expected


def test_the_tone_is_the_sine_that_was_asked_for() -> None:
    f0, hop, rate = torch.full((1, 50), 220.0), 160, 16000
    made = excitation(f0, torch.tensor([0.25]), torch.zeros(1, 50 * hop), rate)[0]
    t = np.arange(50 * hop) / rate
    np.testing.assert_allclose(made.numpy(), 0.1 * np.cos(2 * np.pi * 220 * t), atol=2e-6)


def test_the_tone_never_jumps_and_can_be_made_in_parts() -> None:
    hop, rate = 160, 16000
    f0 = torch.cat([torch.linspace(90, 400, 30), torch.zeros(7), torch.linspace(300, 120, 23)])[None].double()
    noise = torch.randn(1, 60 * hop)
    whole = excitation(f0, torch.zeros(1), noise, rate)
    phases = phase_after(f0, torch.zeros(1), hop / rate)
    parts = [
        excitation(f0[:, a:b], phases[:, a], noise[:, a * hop : b * hop], rate)
        for a, b in ((0, 13), (13, 34), (34, 41), (41, 60))
    ]
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-6, rtol=0)
    silent = excitation(f0, torch.zeros(1), torch.zeros_like(noise), rate)[0]
    voiced = (f0 > 0)[0].repeat_interleave(hop)
    steps = silent.diff().abs()[voiced[1:] & voiced[:-1]]
    assert steps.max() <= 0.1 * 2 * np.pi * 400 / rate + 1e-6, "no step is steeper than the sine itself"


def test_an_hour_later_the_phase_is_still_right() -> None:
    f0 = torch.full((1, 360_000), 220.3)
    end = phase_after(f0, torch.zeros(1), 0.01)[0, -1].item()
    exact = (360_000 * 220.3 * 0.01) % 1
    error = (end - exact + 0.5) % 1 - 0.5
    assert abs(error) < 0.02  # 220.3 is no float32


def test_noise_belongs_to_its_place() -> None:
    whole = noise_at(16000, 33500, 5)
    assert torch.equal(noise_at(16380, 16390, 5), whole[380:390])
    assert not torch.equal(noise_at(16380, 16390, 6), whole[380:390])
    assert noise_at(7, 7, 1).numel() == 0
    assert whole.std().item() == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("frames", [1, 3, 40])
def test_the_spectrum_has_a_frame_a_hop_in_its_middle(section: Section, frames: int) -> None:
    a = section.architecture
    samples = torch.zeros(1, frames * a.hop_length)
    at = (frames - 1) * a.hop_length + a.hop_length // 2
    samples[0, at] = 1.0
    spectrum = LinearSpectrum(a)(samples)
    assert spectrum.shape == (1, a.n_fft // 2 + 1, frames)
    assert spectrum[0].mean(0).argmax() == frames - 1
    assert spectrum[0, :, -1].mean().item() == pytest.approx(1.0, abs=0.01), "the window's peak"


def test_kl_of_equal_normals_is_their_expectation() -> None:
    torch.manual_seed(0)
    mean, log = torch.randn(1, 4, 20000), 0.3 * torch.randn(1, 4, 1).expand(1, 4, 20000)
    z, valid = mean + log.exp() * torch.randn_like(mean), torch.ones(1, 20000, dtype=torch.bool)
    assert kl_divergence(z, log, mean, log, valid).item() == pytest.approx(0.0, abs=0.05)
    # N(m, s²) against N(0, 1): Σ_c ½ (m² + s² - 1) - ln s
    expected = (0.5 * (mean.square() + (2 * log).exp() - 1) - log).sum(1).mean().item()
    found = kl_divergence(z, log, torch.zeros_like(mean), torch.zeros_like(log), valid).item()
    assert found == pytest.approx(expected, rel=0.02)
