"""The codec's sound follows a prompt through the network: whole, in a stream, and only where it fits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_codec import CPU, gliding

from components.auxiliaries.codec.build import of
from components.auxiliaries.codec.contract import Choice
from components.auxiliaries.codec.trained import TrainedCodec, load
from components.auxiliaries.timbre.params import Section
from components.core.errors import ConfigError, DataError
from components.nn.contracts import Auxiliaries
from components.nn.delivered import read_delivered, write_delivered
from components.nn.timbre import Shift
from components.nn.timbre_network import Recolouring


@pytest.fixture
def moved(delivered: Path, tmp_path: Path) -> Path:
    """A network whose last layer says something, as after a longer training."""
    found = read_delivered(delivered, "timbre")
    weights = {name: value.clone() for name, value in found.weights.items()}
    torch.manual_seed(0)
    weights["speak.weight"] += 0.5 * torch.randn_like(weights["speak.weight"])
    folder = tmp_path / "timbre"
    folder.mkdir()
    write_delivered(weights, folder, model="timbre", card=found.card, dtype=torch.float32)
    return folder


@pytest.fixture
def codec(codec_folder: Path, moved: Path) -> TrainedCodec:
    return load(codec_folder, CPU, 3, moved)


@pytest.fixture(autouse=True)
def all_voiced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A codec that learned nothing tells no voicing."""
    monkeypatch.setattr(TrainedCodec, "_voiced", lambda self, said: torch.ones_like(said.voicing).bool())


def heard(codec: TrainedCodec, seconds: float = 1.5, hertz: float = 150.0) -> torch.Tensor:
    return torch.from_numpy(gliding(seconds, hertz))[None, : round(seconds * codec.sample_rate)]


def test_the_whole_way_is_the_networks_and_half_of_it_half(codec: TrainedCodec) -> None:
    timbre = codec.timbre(heard(codec))
    vectors = codec.network.quantiser.decode(codec.encode(heard(codec, 1.0, 220.0)))
    assert timbre is not None
    assert timbre.frames is not None
    whole, half = (codec.shift(vectors, timbre, share) for share in (1.0, 0.5))
    assert isinstance(whole, Recolouring)
    assert codec.shift(vectors, timbre, 0.0) is None
    said = codec.network.sound(vectors)
    mels = [one.applied(said.mel, said.log_f0, said.voicing.sigmoid())[0] for one in (whole, half) if one]
    torch.testing.assert_close(mels[1] - said.mel, 0.5 * (mels[0] - said.mel), atol=1e-4, rtol=1e-3)
    frames = mels[0] - said.mel
    assert float(frames.std(dim=1).max()) > 1e-3, "it changes frames each for itself"


def test_bands_move_as_much_as_the_prompts(codec: TrainedCodec) -> None:
    timbre = codec.timbre(heard(codec))
    vectors = codec.network.quantiser.decode(codec.encode(heard(codec, 1.0, 220.0)))
    said = codec.network.sound(vectors)
    assert timbre is not None
    spreads = []
    for spread in (0.0, 0.5, 1.0):
        change = codec.shift(vectors, timbre, 1.0, spread)
        assert isinstance(change, Recolouring)
        mel, _ = change.applied(said.mel, said.log_f0, said.voicing.sigmoid())
        spreads.append(mel[0].std(dim=0, unbiased=False))
        wanted = change.known.spread[0]
    reached = ((wanted / spreads[0]) > 0.75) & ((wanted / spreads[0]) < 1.4)
    assert bool(reached.any())
    torch.testing.assert_close(spreads[2][reached], wanted[reached], atol=0.02, rtol=0.02)
    torch.testing.assert_close(spreads[1], (spreads[0] + spreads[2]) / 2, atol=0.02, rtol=0.02)


def test_a_stream_says_what_the_whole_says(codec: TrainedCodec, codec_folder: Path) -> None:
    """Samples are final as soon as ``lookahead`` more codes are known, with the network's reach in it."""
    vectors = codec.network.quantiser.decode(codec.encode(heard(codec, 1.5, 220.0)))
    timbre = codec.timbre(heard(codec))
    assert timbre is not None
    change = codec.shift(vectors[:, :10], timbre, 1.0)
    whole = codec.decode_vectors(vectors, 0, change)[0]
    known = 25
    part = codec.decode_vectors(vectors[:, :known], 0, change)[0]
    final = (known - codec.lookahead) * codec.hop
    assert final > 0
    np.testing.assert_allclose(part[:final], whole[:final], atol=1e-3)
    assert codec.lookahead > load(codec_folder, CPU, 3).lookahead


def test_codes_stay_those_of_the_codec(codec: TrainedCodec, codec_folder: Path) -> None:
    plain = load(codec_folder, CPU, 3)
    assert plain.sha256 == codec.sha256
    assert torch.equal(plain.encode(heard(codec)), codec.encode(heard(codec)))
    vectors = codec.network.quantiser.decode(codec.encode(heard(codec)))
    assert torch.equal(plain.decode_vectors(vectors), codec.decode_vectors(vectors))
    timbre = plain.timbre(heard(codec))
    assert timbre is not None
    assert timbre.frames is None
    assert isinstance(codec.shift(vectors, timbre, 1.0), Shift), "a voice without frames moves averages alone"


def test_a_network_of_another_codec_is_refused(
    codec_folder: Path, delivered: Path, tmp_path: Path, section: Section
) -> None:
    found = read_delivered(delivered, "timbre")
    card = {**found.card, "codec_sha256": "0" * 64}
    write_delivered(found.weights, tmp_path, model="timbre", card=card, dtype=torch.float32)
    with pytest.raises(ConfigError, match="pretrain MODEL=timbre"):
        load(codec_folder, CPU, 3, tmp_path)


def test_what_vallex_asks_for_is_loaded(codec_folder: Path, moved: Path, tmp_path: Path) -> None:
    shelf = tmp_path / "pretrained"
    shelf.mkdir()
    (shelf / "codec").symlink_to(codec_folder)
    plain = load(codec_folder, CPU, 3)
    rate = plain.sample_rate // plain.hop
    choice = Choice("pretrained/codec", plain.sample_rate, rate, 3, plain.codebook_size, "pretrained/timbre")
    with pytest.raises(DataError, match="timbre"):
        of(Auxiliaries(shelf, {}), choice, CPU)
    (shelf / "timbre").symlink_to(moved)
    made = of(Auxiliaries(shelf, {}), choice, CPU).timbre(heard(plain))
    assert made is not None
    assert made.frames is not None
