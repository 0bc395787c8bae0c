"""Codes of every codec: shapes, refusals, identity, streaming; the published one from a folder."""

from __future__ import annotations

import pickle
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soxr
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_codec import CPU, gliding, section_of
from transformers import EncodecConfig, EncodecModel

from components.auxiliaries.codec.build import of
from components.auxiliaries.codec.contract import SHIPPED, Choice, require_same
from components.auxiliaries.codec.encodec import EncodecCodec, from_hub
from components.auxiliaries.codec.network import CodecNetwork
from components.auxiliaries.codec.quantiser import ResidualQuantiser, nearest
from components.auxiliaries.codec.trained import TrainedCodec, load, without_gaps
from components.core.errors import ConfigError, CorruptFileError, DataError
from components.core.paths import project_root
from components.data.generated.voices import speakers
from components.espeak import synthesise
from components.features.pitch import f0_where_voiced
from components.nn.contracts import Auxiliaries
from components.text import spoken

PAPER = Choice("hub", 24000, 75, 8, 1024)
SMALL = Choice(SHIPPED, 24000, 50, 3, 16)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in the hub's layout: EnCodec's rates and codebooks, hardly any channels."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("hub")
    EncodecModel(EncodecConfig(num_filters=2, hidden_size=8, codebook_dim=8)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def encodec(published: Path) -> EncodecCodec:
    return from_hub(Choice(str(published), 24000, 75, 8, 1024), CPU)


@pytest.mark.parametrize(("samples", "frames"), [(24000, 75), (72000, 225), (327680, 1024), (100, 1)])
def test_encodec_has_75_frames_of_8_codes_a_second(encodec: EncodecCodec, samples: int, frames: int) -> None:
    wave = 0.1 * torch.randn(1, samples, generator=torch.Generator().manual_seed(0))
    codes = encodec.encode(wave)
    assert codes.shape == (1, 8, frames)
    assert codes.dtype == torch.int64
    assert int(codes.max()) < 1024
    if samples <= 72000:
        assert encodec.decode(codes).shape == (1, frames * 320)


def test_encodec_can_travel_to_a_worker(encodec: EncodecCodec) -> None:
    wave = 0.1 * torch.randn(1, 9000, generator=torch.Generator().manual_seed(1))
    again = pickle.loads(pickle.dumps(encodec))  # noqa: S301 - our own
    assert again.sha256 == encodec.sha256
    assert torch.equal(again.encode(wave), encodec.encode(wave))


def test_encodec_is_causal(encodec: EncodecCodec) -> None:
    codes = torch.randint(0, 1024, (1, 8, 40), generator=torch.Generator().manual_seed(1))
    whole = encodec.decode(codes)
    torch.testing.assert_close(encodec.decode(codes[:, :, :25]), whole[:, : 25 * 320], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(encodec.decode(codes, 30), whole[:, 30 * 320 :], atol=0, rtol=0)


def test_fewer_codebooks_are_the_first_ones(published: Path, encodec: EncodecCodec) -> None:
    wave = 0.1 * torch.randn(1, 24000, generator=torch.Generator().manual_seed(0))
    fewer = from_hub(Choice(str(published), 24000, 75, 4, 1024), CPU)
    assert torch.equal(fewer.encode(wave), encodec.encode(wave)[:, :4])
    assert fewer.sha256 != encodec.sha256
    assert fewer.weights_sha256 == encodec.weights_sha256


@pytest.mark.parametrize(
    "asked",
    [(32000, 75, 8, 1024), (24000, 50, 8, 1024), (24000, 75, 8, 512), (24000, 75, 5, 1024)],
    ids=["rate", "frames", "size", "no such bandwidth"],
)
def test_a_published_codec_of_other_dimensions_is_refused(
    published: Path, asked: tuple[int, int, int, int]
) -> None:
    with pytest.raises(ConfigError, match="codec"):
        from_hub(Choice(str(published), *asked), CPU)


def test_params_choose_between_the_delivered_one_and_a_published_one(
    delivered: Path, published: Path, codec: TrainedCodec, tmp_path: Path
) -> None:
    (tmp_path / "codec").symlink_to(delivered)
    auxiliaries = Auxiliaries(tmp_path, {})
    assert of(auxiliaries, SMALL, CPU).sha256 == codec.sha256
    theirs = of(auxiliaries, Choice(str(published), 24000, 75, 8, 1024), CPU)
    require_same(theirs, theirs.sha256, "codes")
    with pytest.raises(ConfigError, match="codec"):
        require_same(theirs, codec.sha256, "codes of VALL-E X")
    with pytest.raises(ConfigError, match="codebooks of 16"):
        of(auxiliaries, Choice(SHIPPED, 24000, 50, 3, 512), CPU)
    with pytest.raises(DataError, match="safetensors"):
        of(auxiliaries, Choice(str(tmp_path / "nothing"), 24000, 75, 8, 1024), CPU)


@settings(max_examples=15, deadline=None)
@given(samples=st.integers(1, 30_000))
def test_any_length_has_the_frames_it_promises(codec: TrainedCodec, samples: int) -> None:
    wave = 0.1 * torch.randn(1, samples, generator=torch.Generator().manual_seed(samples))
    codes = codec.encode(wave)
    assert codes.shape == (1, 3, -(-samples // 480))
    assert codec.decode(codes).shape == (1, codes.shape[2] * 480)


def test_silence_and_rows_of_a_batch(codec: TrainedCodec) -> None:
    waves = torch.stack(
        [torch.from_numpy(gliding(1.0, 150.0, seed)) for seed in range(2)] + [torch.zeros(22050)]
    )
    codes = codec.encode(waves)
    for row in range(3):
        assert torch.equal(codec.encode(waves[row : row + 1])[0], codes[row])
    made = codec.decode(codes)
    assert torch.isfinite(made).all()
    torch.testing.assert_close(codec.decode(codes[1:2])[0], made[1], atol=1e-5, rtol=1e-4)


def test_samples_are_final_after_the_lookahead(codec: TrainedCodec) -> None:
    codes = torch.randint(0, 16, (1, 3, 60), generator=torch.Generator().manual_seed(2))
    whole = codec.decode(codes)
    part = codec.decode(codes[:, :, :40])
    final = (40 - codec.lookahead) * codec.hop
    torch.testing.assert_close(part[:, :final], whole[:, :final], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(codec.decode(codes, 20), whole[:, 20 * codec.hop :], atol=0, rtol=0)


@pytest.mark.parametrize(
    "samples",
    [torch.zeros(100), torch.zeros(1, 0), torch.full((1, 480), torch.nan), torch.full((1, 480), torch.inf)],
    ids=["one axis", "empty", "nan", "inf"],
)
def test_unusable_audio_is_refused(codec: TrainedCodec, encodec: EncodecCodec, samples: torch.Tensor) -> None:
    for one in (codec, encodec):
        with pytest.raises(DataError, match="codec"):
            one.encode(samples)


def test_codes_that_no_codebook_has_are_refused(codec: TrainedCodec, encodec: EncodecCodec) -> None:
    for one in (codec, encodec):
        good = torch.zeros(1, one.n_codebooks, 4, dtype=torch.int64)
        for bad in (good + one.codebook_size, good - 1, good[:, :-1], good[:, :, :0], good[0]):
            with pytest.raises(DataError, match="codes"):
                one.decode(bad)


def test_codes_sound_like_the_sum_of_their_vectors(codec: TrainedCodec, encodec: EncodecCodec) -> None:
    for one in (codec, encodec):
        shape = (2, one.n_codebooks, 12)
        codes = torch.randint(0, one.codebook_size, shape, generator=torch.Generator().manual_seed(4))
        books = zip(one.vectors, codes.unbind(1), strict=True)
        summed = torch.stack([table[told] for table, told in books]).sum(dim=0)
        torch.testing.assert_close(one.decode_vectors(summed, 3), one.decode(codes, 3), atol=1e-5, rtol=1e-4)
        for bad in (summed[0], summed[:, :0], summed[..., 1:], summed / 0.0):
            with pytest.raises(DataError, match="vectors"):
                one.decode_vectors(bad)


def test_a_shift_brings_what_is_decoded_towards_a_voice(codec: TrainedCodec, encodec: EncodecCodec) -> None:
    """The average is the voice's afterwards, as the codec itself hears it; EnCodec leaves voices alone."""
    voice, other = (
        torch.from_numpy(gliding(1.2, hertz, seed))[None] for hertz, seed in ((115.0, 1), (225.0, 2))
    )
    timbre = codec.timbre(voice)
    assert timbre is not None
    assert timbre.lost > 0
    assert timbre.log_f0 == pytest.approx(np.log(115.0), abs=0.25)  # it glides
    books = zip(codec.vectors, codec.encode(other)[0], strict=True)
    vectors = torch.stack([table[row] for table, row in books]).sum(dim=0)[None]
    shift = codec.shift(vectors, timbre, 1.0)
    if shift is not None:  # a codec of six steps may hold everything for unvoiced
        assert not torch.equal(codec.decode_vectors(vectors, 0, shift), codec.decode_vectors(vectors))
        half = codec.shift(vectors, timbre, 0.5)
        assert half is not None
        torch.testing.assert_close(half.mel, shift.mel / 2)
    assert codec.shift(vectors, timbre, 0.0) is None
    assert encodec.timbre(torch.zeros(1, 24000)) is None


def test_changed_weights_are_not_loaded(delivered: Path, tmp_path: Path) -> None:
    for name in ("model.json", "model.safetensors"):
        (tmp_path / name).write_bytes((delivered / name).read_bytes())
    data = bytearray((tmp_path / "model.safetensors").read_bytes())
    data[-5] ^= 1
    (tmp_path / "model.safetensors").write_bytes(data)
    with pytest.raises(CorruptFileError):
        load(tmp_path, CPU)


def test_each_codebook_tells_what_is_left() -> None:
    torch.manual_seed(0)
    quantiser = ResidualQuantiser(4, 32, 6, 0.8, 0.01).train()
    x = torch.randn(8, 50, 6)
    for _ in range(30):
        quantiser(x)
    quantiser.eval()
    codes = quantiser.encode(x)
    assert torch.equal(quantiser(x).codes, codes)
    errors = []
    for used in range(1, 5):
        partly = codes.clone()
        vectors = sum(quantiser.vectors[book][partly[:, book]] for book in range(used))
        errors.append(float((x - vectors).square().mean()))
    assert all(later < 0.9 * earlier for earlier, later in pairwise(errors))
    assert errors[0] < 0.6
    torch.testing.assert_close(quantiser.decode(codes), vectors, atol=1e-5, rtol=1e-5)


def test_gradients_pass_straight_through() -> None:
    quantiser = ResidualQuantiser(2, 8, 4, 0.9, 0.0).eval()
    x = torch.randn(1, 5, 4, requires_grad=True)
    quantiser(x).vectors.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, torch.ones_like(x))


def test_codewords_that_nothing_chooses_begin_anew() -> None:
    torch.manual_seed(0)
    quantiser = ResidualQuantiser(1, 16, 2, 0.5, 0.1).train()
    quantiser(torch.full((1, 100, 2), 3.0))  # all codewords begin at one place
    x = torch.randn(1, 400, 2)
    for _ in range(20):
        quantiser(x)
    used = torch.unique(quantiser.eval().encode(x)).numel()
    assert used > 12


def test_a_row_may_use_fewer_codebooks() -> None:
    quantiser = ResidualQuantiser(3, 8, 4, 0.9, 0.0).eval()
    x = torch.randn(2, 5, 4)
    found = quantiser(x, torch.tensor([1, 3]))
    torch.testing.assert_close(found.vectors[0], quantiser.vectors[0][found.codes[0, 0]])
    torch.testing.assert_close(found.vectors[1], quantiser.decode(found.codes)[1])


def test_nearest_is_nearest() -> None:
    x, words = torch.randn(40, 5), torch.randn(9, 5)
    assert torch.equal(nearest(x, words), torch.cdist(x, words).argmin(dim=1))


def test_the_decoder_is_heard_at_the_pitch_it_tells(delivered: Path) -> None:
    """A network that says one steady vowel gives a sound of that f0, and no tone where it is unvoiced."""
    found = load(delivered, CPU)
    rate, seconds = found.sample_rate, 1.0
    frames = round(seconds * rate / found.analysis.hop_length)
    mel = torch.full((frames, found.analysis.n_mels), 0.05)
    made = found._samples(mel, np.full(frames, 200.0, np.float32), 0)
    assert made.shape == (frames * found.analysis.hop_length,)
    spectrum = torch.fft.rfft(made[:rate]).abs()
    assert int(spectrum[100:300].argmax()) + 100 == pytest.approx(200, abs=2)
    hiss = found._samples(mel, np.zeros(frames, np.float32), 0)
    flat = torch.fft.rfft(hiss[:rate]).abs()
    assert float(spectrum[190:210].max() / spectrum[220:380].median()) > 4 * float(
        flat[190:210].max() / flat[220:380].median()
    )
    late = found._samples(mel, np.full(frames, 200.0, np.float32), 30)
    torch.testing.assert_close(late, made[30 * found.analysis.hop_length :], atol=1e-5, rtol=1e-4)


def test_f0_runs_through_gaps() -> None:
    found = without_gaps(np.array([0.0, 100.0, 0.0, 100.0 * np.e**2, 0.0], np.float32))
    assert found == pytest.approx(np.log(100.0) + np.array([0.0, 0.0, 1.0, 2.0, 2.0]), abs=1e-5)
    assert not without_gaps(np.zeros(4, np.float32)).any()


def test_the_paper_size_speaks_encodecs_language() -> None:
    a = section_of(None).architecture
    assert (a.sample_rate_hz, a.frame_rate_hz, a.n_codebooks, a.codebook_size) == (24000, 75, 8, 1024)


def test_the_laptop_size_is_small() -> None:
    network = CodecNetwork(section_of("laptop").architecture)
    assert 2 * sum(p.numel() for p in network.parameters()) < 3e6


def test_the_shipped_codec_keeps_the_pitch_of_speech() -> None:
    shipped = load(project_root() / "pretrained" / "codec", CPU)
    a = section_of("laptop").architecture
    assert shipped.architecture == a
    voice = next(one for one in speakers() if one.role == "model").voice
    said = synthesise(spoken("오늘은 날씨가 좋습니다", "ko"), "ko", voice, 165)
    samples = soxr.resample(said.samples / 32768, said.sample_rate_hz, shipped.sample_rate).astype(np.float32)
    copy = shipped.decode(shipped.encode(torch.from_numpy(samples)[None]))[0, : len(samples)].numpy()
    there, here = (
        f0_where_voiced(x, shipped.sample_rate, a.hop_length, shipped.pitch) for x in (samples, copy)
    )
    both = (there > 0) & (here > 0)
    assert both.mean() > 0.4
    assert np.mean(np.abs(np.log2(here[both] / there[both])) > 1 / 12) < 0.1
