"""The network: padding, speakers, phoneme dropout, length, size."""

import math
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from components import catalogue
from components.models.fastpitch.control import SymbolControls
from components.models.fastpitch.dataset import SpeechDataset, collate
from components.models.fastpitch.loss import fastpitch_losses
from components.models.fastpitch.network import FastPitch
from components.models.fastpitch.params import Section
from components.models.fastpitch.phoneme_dropout import drop_phonemes
from components.models.fastpitch.prediction import Prediction, Targets
from components.models.fastpitch.symbol_table import SymbolTable
from components.models.fastpitch.voices import Voices
from components.text.symbols import PAD, SPECIAL, UNK

PROJECT = Path(__file__).resolve().parents[3]


def give_speakers_a_say(network: FastPitch) -> FastPitch:
    """Move the zero-initialised speaker projections off zero, as training would."""
    for name, parameter in network.named_parameters():
        if "to_gain.weight" in name or "to_bias.weight" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    return network


def speak(network: FastPitch, rows: list[list[int]], speakers: list[int]) -> Prediction:
    longest = max(map(len, rows))
    ids = torch.tensor([row + [network.padding] * (longest - len(row)) for row in rows])
    languages = torch.zeros(len(rows), dtype=torch.long)
    controls = SymbolControls.unchanged(ids)
    return network.eval().speak(ids, torch.tensor(speakers), languages, controls, 75)


def test_a_padded_sentence_sounds_as_it_does_alone(network: FastPitch) -> None:
    give_speakers_a_say(network)
    short, long = [5, 9, 12, 2], [7, 8, 9, 10, 11, 12, 13, 2]
    together = speak(network, [short, long], [0, 1])
    for row, (sentence, speaker) in enumerate([(short, 0), (long, 1)]):
        alone = speak(network, [sentence], [speaker])
        frames = alone.mel.shape[1]
        assert int(together.durations[row].sum()) == frames
        torch.testing.assert_close(together.mel[row, :frames], alone.mel[0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(together.pitch[row, : len(sentence)], alone.pitch[0], rtol=1e-4, atol=1e-5)
    assert torch.all(together.durations[0, len(short) :] == 0)


def test_the_loss_of_a_batch_is_not_changed_by_more_padding(
    network: FastPitch, store, voices: Voices
) -> None:
    data = SpeechDataset(store, "train", voices)
    batch = dict(collate([data[0], data[1]], network.padding))
    wider = {
        name: F.pad(batch[name], (0, 3), value=network.padding if name == "ids" else 0)
        for name in ("ids", "true_durations")
    }
    network.eval()
    before = network("generator", batch, 0)
    after = network("generator", {**batch, **wider}, 0)
    assert "alignment_mae_ms" in before
    for name, value in before.items():
        torch.testing.assert_close(after[name], value, msg=lambda text, name=name: f"{name}: {text}")


def test_speakers_are_one_until_their_projections_learn(network: FastPitch) -> None:
    one, other = (speak(network, [[5, 9, 12, 2]], [speaker]) for speaker in (0, 1))
    assert torch.equal(one.mel, other.mel)
    give_speakers_a_say(network)
    one, other = (speak(network, [[5, 9, 12, 2]], [speaker]) for speaker in (0, 1))
    assert not torch.allclose(one.pitch, other.pitch)


@pytest.mark.parametrize("length", [1, 2, 700])
def test_any_length_speaks_and_every_symbol_sounds(network: FastPitch, length: int) -> None:
    said = speak(network, [[5 + place % 20 for place in range(length)]], [0])
    assert said.durations.min() >= 1
    assert said.durations.max() <= 75
    assert said.mel.shape[1] == int(said.durations.sum())
    assert torch.isfinite(said.mel).all()


def test_pace_shortens_and_the_longest_symbol_is_bounded(network: FastPitch) -> None:
    torch.nn.init.constant_(network.duration_predictor.head.bias, 3.0)
    ids, one = torch.tensor([[5, 9, 12, 2]]), torch.zeros(1, dtype=torch.long)
    network.eval()
    usual = SymbolControls.unchanged(ids)
    slow = network.speak(ids, one, one, usual, 1000).durations.sum()
    fast = network.speak(ids, one, one, usual.at_pace(2.0), 1000).durations.sum()
    assert abs(int(slow) - 2 * int(fast)) <= 4
    assert int(network.speak(ids, one, one, usual, 7).durations.max()) == 7


def test_phoneme_dropout_spares_padding_pauses_and_the_unknown() -> None:
    table = SymbolTable.current()
    ids = torch.arange(len(table)).repeat(200, 1)
    torch.manual_seed(0)
    dropped = drop_phonemes(ids, 0.1, torch.tensor(table.droppable), table.unknown)
    changed = dropped != ids
    assert set(dropped[changed].tolist()) == {table.unknown}
    assert not changed[:, [table.names.index(name) for name in SPECIAL]].any()
    assert changed[:, len(SPECIAL) :].float().mean().item() == pytest.approx(0.1, abs=0.01)
    assert table.names.index(PAD) == table.padding
    assert table.names.index(UNK) == table.unknown


def test_phoneme_dropout_acts_in_training_only(section: Section, voices: Voices, store) -> None:
    recipe = section.training.model_copy(update={"phoneme_dropout": 0.9})
    still = section.architecture.model_copy(update={"dropout": 0.0})
    network = FastPitch(still, voices, recipe)
    data = SpeechDataset(store, "train", voices)
    batch = collate([data[0], data[1]], network.padding)
    network.eval()
    assert network("generator", batch, 0)["total"] == network("generator", batch, 0)["total"]
    network.train()
    assert network("generator", batch, 0)["total"] != network("generator", batch, 0)["total"]


def test_losses_are_those_of_the_paper(section: Section) -> None:
    mel, symbols, frames = torch.zeros(1, 3, 2), torch.zeros(1, 2), torch.zeros(1, 3)
    durations, voiced = torch.tensor([[1, 2]]), torch.tensor([[True, False, True]])
    contour = torch.tensor([[0.0, 99.0, 2.0]])
    predicted = Prediction(
        mel + 2.0, symbols, symbols + 1.0, symbols + 3.0, durations, contour, torch.tensor([[0.0, 0.0, 0.0]])
    )
    targets = Targets(mel, durations, symbols, symbols, frames, voiced)
    real = torch.tensor([[True, True]]), torch.ones(1, 3, dtype=torch.bool)
    losses = fastpitch_losses(predicted, targets, *real, section.training)
    duration = (torch.tensor([2.0, 3.0]).log() ** 2).mean().item()
    assert losses["mel"].item() == 4.0
    assert losses["duration"].item() == pytest.approx(duration)
    assert losses["contour"].item() == 2.0  # of the two voiced frames
    assert losses["voicing"].item() == pytest.approx(math.log(2.0))
    weighted = 4.0 + 0.1 * (duration + 1.0 + 9.0 + 2.0 + math.log(2.0))
    assert losses["total"].item() == pytest.approx(weighted)
    assert (losses["mel_l1"].item(), losses["duration_frames"].item()) == (2.0, 1.5)


def test_the_full_configuration_has_the_papers_size() -> None:
    """46.5 M (46.3 M is counted for NVIDIA's with its aligner) and 5.5 M of speaker-conditioned norms."""
    section = catalogue.load(PROJECT, None).models["fastpitch"]
    assert isinstance(section, Section)
    voices = Voices(SymbolTable.current(), ("a", "b", "c", "d"), ("en", "ja", "ko", "zh"))
    with torch.device("meta"):
        network = FastPitch(section.architecture, voices, section.training)
    sizes = {name: parameter.numel() for name, parameter in network.named_parameters()}
    norms = sum(size for name, size in sizes.items() if "norm" in name)
    assert round((sum(sizes.values()) - norms) / 1e6, 1) == 46.5
    assert round(sum(size for name, size in sizes.items() if "aligner" in name) / 1e6, 1) == 1.0
    assert round(norms / 1e6, 1) == 5.5


def test_the_laptop_configuration_is_small() -> None:
    section = catalogue.load(PROJECT, "laptop").models["fastpitch"]
    assert isinstance(section, Section)
    voices = Voices(SymbolTable.current(), ("a", "b", "c", "d"), ("en", "ja", "ko", "zh"))
    with torch.device("meta"):
        network = FastPitch(section.architecture, voices, section.training)
    assert sum(parameter.numel() for parameter in network.parameters()) <= 4_000_000
