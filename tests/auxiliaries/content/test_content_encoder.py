"""Frames, chunks, refusals and hashes of the encoder, and what HuBERT Base is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tiny_content import section_of
from transformers import HubertModel

from components.auxiliaries.content.cepstra import cepstra_of, delta, mel_analysis
from components.auxiliaries.content.contract import UNTRAINED, Choice, require_same
from components.auxiliaries.content.encoder import HubertContent, load, of
from components.auxiliaries.content.masking import span_mask
from components.auxiliaries.content.network import MaskedPrediction, hubert_config
from components.auxiliaries.content.params import Masking, Section
from components.core.errors import ConfigError, CorruptFileError, DataError
from components.nn.contracts import Auxiliaries
from components.nn.delivered import write_delivered

CPU = torch.device("cpu")
CHOICE = Choice("HuBERT Base v3", "pretrained/content", 2, 24)
PAPER = Masking(start_share=0.08, span_frames=10)


def delivered(section: Section, folder: Path, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    network = MaskedPrediction(section.architecture, section.training, 5)
    weights = {name: value.detach().clone().contiguous() for name, value in network.state_dict().items()}
    folder.mkdir(parents=True)
    card = {"architecture": section.architecture.model_dump(mode="json"), "clusters": 5}
    write_delivered(weights, folder, model="content", card=card, dtype=torch.float32)
    return folder


@pytest.fixture(scope="module")
def shipped(section: Section, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return delivered(section, tmp_path_factory.mktemp("pretrained") / "content")


@pytest.fixture(scope="module")
def encoder(shipped: Path) -> HubertContent:
    return load(shipped, CHOICE, CPU)


@pytest.mark.parametrize(("seconds", "frames"), [(1, 49), (2, 99), (10, 499)])
def test_fifty_features_a_second(encoder: HubertContent, seconds: int, frames: int) -> None:
    samples = np.random.default_rng(0).standard_normal(16000 * seconds).astype(np.float32) * 0.1
    assert encoder.frames(len(samples)) == frames
    found = encoder.features(samples)
    assert (found.shape, found.dtype) == ((frames, encoder.dim), torch.float32)


@settings(max_examples=20, deadline=None)
@given(samples=st.integers(400, 120_000))
def test_any_length_has_the_frames_it_promises(encoder: HubertContent, samples: int) -> None:
    wave = np.random.default_rng(samples).standard_normal(samples).astype(np.float32)
    assert len(encoder.features(wave)) == encoder.frames(samples) == (samples - 400) // 320 + 1


def test_chunks_are_the_whole_but_for_what_attention_hears(
    section: Section, shipped: Path, speech: NDArray[np.float32]
) -> None:
    def heard(chunk_s: float, margin_s: float) -> torch.Tensor:
        chunks = section.architecture.chunks.model_copy(update={"chunk_s": chunk_s, "margin_s": margin_s})
        effort = section.architecture.model_copy(update={"chunks": chunks})
        return load(shipped, CHOICE, CPU, effort).features(speech)

    whole, pieces, bare = heard(100.0, 0.0), heard(2.0, 1.0), heard(2.0, 0.0)
    assert whole.shape == pieces.shape
    away = torch.cosine_similarity(whole, pieces, dim=-1)
    assert away.mean() > 0.99
    assert away.min() > 0.95
    seam = slice(95, 105)  # 2 s lie at feature 100
    assert (whole - pieces)[seam].norm() < (whole - bare)[seam].norm(), "margins mend the seams"
    assert torch.equal(whole, heard(100.0, 1.0)), "a recording shorter than a chunk is not cut"


def test_chunks_of_a_long_recording_hold_little(encoder: HubertContent) -> None:
    wave = np.random.default_rng(1).standard_normal(16000 * 21).astype(np.float32)
    sizes = [len(piece) for piece in encoder.chunks(wave)]
    assert max(sizes) == 100, "2 s of the ci profile"
    assert sum(sizes) == encoder.frames(len(wave))


def test_loudness_is_no_content(encoder: HubertContent, speech: NDArray[np.float32]) -> None:
    part = speech[:16000]
    quiet, loud = encoder.features(part * 0.3), encoder.features(part)
    assert torch.cosine_similarity(quiet, loud, dim=-1).mean() > 0.98


def test_silence_has_finite_features(encoder: HubertContent) -> None:
    assert torch.isfinite(encoder.features(np.zeros(8000, np.float32))).all()


@pytest.mark.parametrize(
    ("samples", "found"),
    [
        (np.zeros(160, np.float32), r"\(160,\)"),
        (np.zeros((16000, 2), np.float32), r"\(16000, 2\)"),
        (np.full(16000, np.nan, np.float32), "16000 NaN"),
        (np.full(16000, np.inf, np.float32), "16000 NaN or infinite"),
    ],
    ids=["10 ms", "stereo", "nan", "inf"],
)
def test_unusable_audio_is_refused(encoder: HubertContent, samples: NDArray[np.float32], found: str) -> None:
    with pytest.raises(DataError, match=found):
        encoder.features(samples)


def test_the_layer_is_the_one_that_was_asked_for(
    section: Section, shipped: Path, speech: NDArray[np.float32]
) -> None:
    network = MaskedPrediction(section.architecture, section.training, 5)
    from components.nn.delivered import read_delivered

    network.load_state_dict(dict(read_delivered(shipped, "content").weights))
    part = speech[:16000]
    states = network.encoder.eval()(torch.from_numpy(part)[None], output_hidden_states=True).hidden_states
    for layer in (1, 2):
        found = load(shipped, Choice("x", "pretrained/content", layer, 24), CPU).features(part)
        assert torch.allclose(found, states[layer][0], atol=1e-5)


def test_the_hash_knows_weights_and_layer(section: Section, shipped: Path, tmp_path: Path) -> None:
    same = load(shipped, CHOICE, CPU)
    require_same(same, load(shipped, CHOICE, CPU).sha256, "features")
    lower = load(shipped, Choice("HuBERT Base v3", "pretrained/content", 1, 24), CPU)
    other = load(delivered(section, tmp_path / "other", seed=1), CHOICE, CPU)
    assert len({same.sha256, lower.sha256, other.sha256}) == 3
    for another in (lower, other):
        with pytest.raises(ConfigError, match="content encoder"):
            require_same(another, same.sha256, "features of RVC")


def test_an_encoder_that_does_not_fit_is_refused(section: Section, shipped: Path) -> None:
    for layer, dim in [(3, 24), (0, 24), (2, 25)]:
        with pytest.raises(ConfigError, match=f"dim {dim}, layer {layer}"):
            load(shipped, Choice("x", "pretrained/content", layer, dim), CPU)
    wider = section.architecture.model_copy(update={"ffn_dim": 64})
    with pytest.raises(ConfigError, match="ffn_dim"):
        load(shipped, CHOICE, CPU, wider)


def test_changed_weights_are_not_loaded(section: Section, tmp_path: Path) -> None:
    folder = delivered(section, tmp_path / "content")
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-5] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(CorruptFileError):
        load(folder, CHOICE, CPU)


def test_params_choose_between_the_delivered_one_and_a_published_one(
    section: Section, shipped: Path, tmp_path: Path, speech: NDArray[np.float32]
) -> None:
    auxiliaries = Auxiliaries(shipped.parent, {"content": section})
    ours = of(auxiliaries, CHOICE, CPU)
    torch.manual_seed(3)
    published = HubertModel(hubert_config(section.architecture))
    published.save_pretrained(tmp_path / "hub")
    theirs = of(auxiliaries, Choice("HuBERT Base v3", str(tmp_path / "hub"), 2, 24), CPU)
    assert ours.sha256 != theirs.sha256
    direct = published.eval()(torch.from_numpy(speech[:8000])[None]).last_hidden_state[0]
    assert torch.allclose(theirs.features(speech[:8000]), direct, atol=1e-5)
    with pytest.raises(DataError, match="safetensors"):
        of(auxiliaries, Choice("x", str(tmp_path / "nothing"), 2, 24), CPU)
    with pytest.raises(ConfigError, match=r"auxiliaries\.content"):
        of(Auxiliaries(shipped.parent, {}), Choice("x", str(tmp_path / "hub"), 2, 24), CPU)


def test_a_published_encoder_of_other_dimensions_is_refused(section: Section, tmp_path: Path) -> None:
    other = section.architecture.model_copy(update={"ffn_dim": 32})
    HubertModel(hubert_config(other)).save_pretrained(tmp_path)
    auxiliaries = Auxiliaries(tmp_path, {"content": section})
    with pytest.raises(ConfigError, match="intermediate_size 32"):
        of(auxiliaries, Choice("x", str(tmp_path), 2, 24), CPU)


def test_the_paper_size_is_hubert_base() -> None:
    architecture = section_of(None).architecture
    with torch.device("meta"):
        network = HubertModel(hubert_config(architecture))
    parameters = sum(value.numel() for value in network.parameters())
    assert parameters == pytest.approx(94.4e6, rel=0.002), "94.4 million, without the projection"
    assert (architecture.stride, architecture.window) == (320, 400)


def test_the_laptop_size_fits_in_eight_megabytes() -> None:
    section = section_of("laptop")
    network = MaskedPrediction(section.architecture, section.training, 200)
    assert section.training.delivered_dtype == "float16"
    assert 2 * sum(value.numel() for value in network.parameters()) < 8e6


def test_more_than_half_of_a_long_recording_is_hidden_in_spans() -> None:
    generator = torch.Generator().manual_seed(0)
    masks = [span_mask(1000, PAPER, generator) for _ in range(50)]
    assert float(torch.stack(masks).float().mean()) == pytest.approx(1 - 0.92**10, abs=0.02)
    edges = torch.diff(masks[0].int(), prepend=torch.zeros(1, dtype=torch.int))
    starts = torch.nonzero(edges == 1).flatten()
    ends = torch.nonzero(torch.diff(masks[0].int(), append=torch.zeros(1, dtype=torch.int)) == -1).flatten()
    assert int((ends - starts + 1).min()) >= 10, "no span is shorter"


@given(frames=st.integers(1, 300), seed=st.integers(0, 1000))
def test_every_recording_has_something_hidden(frames: int, seed: int) -> None:
    mask = span_mask(frames, PAPER, torch.Generator().manual_seed(seed))
    assert mask.shape == (frames,)
    assert mask.any()
    assert frames == 1 or not mask.all() or frames > 100


def test_cepstra_are_of_what_a_feature_hears(section: Section) -> None:
    cepstra = section.training.cepstra.model_copy(update={"normalise": False})
    analysis = mel_analysis(cepstra, 16000, 320, 1e-5)
    noise = np.random.default_rng(0).standard_normal(16000).astype(np.float32) * 0.1
    found = cepstra_of(noise, cepstra, analysis)
    assert found.shape == (49, 39)
    changed = noise.copy()
    changed[320 * 20 : 320 * 20 + 400] = 0.0
    assert not np.allclose(cepstra_of(changed, cepstra, analysis)[20, :13], found[20, :13])
    assert np.allclose(cepstra_of(changed, cepstra, analysis)[30], found[30], atol=1e-5)
    with pytest.raises(DataError):
        cepstra_of(noise[:399], cepstra, analysis)


def test_deltas_are_slopes() -> None:
    ramp = np.arange(20, dtype=np.float32)[:, None] * 3.0
    assert delta(ramp, 2)[5:-5] == pytest.approx(3.0)


def test_normalised_cepstra_do_not_know_the_loudness(section: Section, speech: NDArray[np.float32]) -> None:
    cepstra = section.training.cepstra.model_copy(update={"normalise": True})
    analysis = mel_analysis(cepstra, 16000, 320, 1e-9)
    loud, quiet = (cepstra_of(speech[:32000] * gain, cepstra, analysis) for gain in (1.0, 0.5))
    assert np.mean(np.abs(loud - quiet)) < 0.02
    assert loud[:, :13].mean(axis=0) == pytest.approx(np.zeros(13), abs=0.1)
    assert loud[:, :13].std(axis=0) == pytest.approx(np.ones(13), abs=0.1)
    assert loud[:, 26:].std() < 0.3, "deltas stay as small as they are"


def test_an_untrained_encoder_is_always_the_same_and_disturbs_no_draw(
    section: Section, tmp_path: Path
) -> None:
    serving = Auxiliaries(tmp_path, {"content": section})
    torch.manual_seed(1)
    one = of(serving, Choice("x", UNTRAINED, 2, 24), CPU)
    drawn = torch.rand(3)
    torch.manual_seed(1)
    assert torch.equal(drawn, torch.rand(3))
    other = of(serving, Choice("x", UNTRAINED, 2, 24), CPU)
    samples = np.random.default_rng(0).standard_normal(4000).astype(np.float32)
    assert torch.equal(one.features(samples), other.features(samples))
    assert one.sha256 == other.sha256
    assert one.sha256 != of(serving, Choice("x", UNTRAINED, 1, 24), CPU).sha256
    with pytest.raises(ConfigError, match="no such section"):
        of(Auxiliaries(tmp_path, {}), Choice("x", UNTRAINED, 2, 24), CPU)
