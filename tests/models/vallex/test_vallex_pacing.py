"""Durations told before the codes: who a frame is about, the same with a cache, in a batch and alone."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tiny_vallex import CPU, section_of

from components.models.vallex.decoding import Request, first_codes, paced, text_of
from components.models.vallex.filling import filled
from components.models.vallex.loss import AR, NAR, VallexLearner
from components.models.vallex.network import VallexNetwork
from components.models.vallex.pacing import Durations, Guide, spread
from components.models.vallex.params import Pacing, Section
from components.models.vallex.store import CodeStore
from components.models.vallex.task import training_task

PACING = Pacing(layers=1, kernel=3)


@pytest.fixture(scope="module")
def own() -> Section:
    """The ci profile's, with pacing."""
    section = section_of("ci")
    return section.model_copy(
        update={"architecture": section.architecture.model_copy(update={"pacing": PACING})}
    )


@pytest.fixture(scope="module")
def network(own: Section) -> VallexNetwork:
    torch.manual_seed(0)
    made = VallexNetwork(own.architecture)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return made.eval()


def request(length: int, prompt: int, seed: int) -> Request:
    generator = torch.Generator().manual_seed(seed)
    symbols = torch.randint(3, 300, (length,), generator=generator).tolist()
    codes = torch.randint(0, 16, (3, prompt), generator=generator)
    return Request(symbols, [seed % 4] * length, max(1, length // 2), codes, seed)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.0, 5.0), min_size=1, max_size=8), st.integers(1, 12))
def test_a_frame_is_about_the_symbol_at_its_middle(durations: list[float], frames: int) -> None:
    guide = Guide(1)
    with torch.no_grad():
        guide.join.weight.zero_()
        guide.join.bias.zero_()
        guide.join.weight[0, 1] = 1.0  # the symbol itself; its neighbours and places are left out
    vectors = torch.arange(len(durations), dtype=torch.float32).view(1, -1, 1)
    told = guide(vectors, torch.tensor([len(durations)]), torch.tensor([durations]), frames)
    ends = torch.tensor(durations).cumsum(0).tolist()
    for frame, value in enumerate(told[0, :, 0].tolist()):
        expected = sum(end <= frame + 0.5 for end in ends)
        assert round(value) == min(expected, len(durations) - 1)


def test_padding_is_not_looked_at(network: VallexNetwork) -> None:
    ar = network.ar
    short, long = (paced(ar, [one])[0] for one in (request(5, 4, 1), request(9, 6, 2)))
    together = ar.guided(text_of([short, long], CPU), 20)
    assert together is not None
    for row, one in enumerate((short, long)):
        torch.testing.assert_close(together[row], ar.guided(text_of([one], CPU), 20)[0])
    both = paced(ar, [request(5, 4, 1), request(9, 6, 2)])
    torch.testing.assert_close(both[0].durations, short.durations)


def test_told_durations_fill_the_prompt_and_end_the_speech(own: Section, network: VallexNetwork) -> None:
    requests = paced(network.ar, [request(6, 7, 1), request(11, 12, 2), request(4, 0, 3)])
    codes, endings = first_codes(network.ar, requests, own.inference, 200)
    for one, said, ending in zip(requests, codes, endings, strict=True):
        before = len(one.symbols) - one.target_symbols
        assert one.durations is not None
        assert float(one.durations[:before].sum()) == pytest.approx(one.prompt.shape[1], abs=1e-3)
        assert len(said) == round(float(one.durations[before:].sum()))
        assert ending in ("end", "loop")
    for row, one in enumerate(requests):
        assert first_codes(network.ar, [one], own.inference, 200)[0][0] == codes[row]
    told = filled(network, requests, codes, None)
    assert [part.frames for part in told] == [len(said) for said in codes]


def test_what_the_context_cuts_off_says_so(own: Section, network: VallexNetwork) -> None:
    one = dataclasses.replace(request(6, 4, 1), durations=torch.full((6,), 30.0))
    codes, endings = first_codes(network.ar, [one], own.inference, 40)
    assert endings == ["length"]
    assert len(codes[0]) == 36


def test_cached_equals_uncached(network: VallexNetwork, own: Section) -> None:
    (one,) = paced(network.ar, [request(8, 5, 4)])
    said = first_codes(network.ar, [one], own.inference, 200, greedy=True)[0][0]
    heard = torch.cat([torch.tensor([network.ar.begin]), one.prompt[0], torch.tensor(said[:-1])])
    with torch.no_grad():
        logits = network.ar(text_of([one], CPU), heard[None])[0, one.prompt.shape[1] :]
    logits[:, network.ar.end] = -torch.inf
    assert logits.argmax(dim=1).tolist() == said


def test_durations_are_learned_and_stored(own: Section, store: CodeStore) -> None:
    for row in store.rows:
        durations = store.views(row)["durations"]
        assert float(durations.sum()) == pytest.approx(row.frames, abs=1e-3)
        assert (durations >= 0).all()
    task = training_task(own, store.folder, 0, None)
    assert isinstance(task.network, VallexLearner)
    batch = task.collate([task.train[index] for index in range(4)])
    optimiser = torch.optim.Adam(task.network.parameters(), lr=1e-2)
    pace = []
    for step in range(30):
        told = task.network(AR, batch, step)
        optimiser.zero_grad()
        (told["total"] + task.network(NAR, batch, step)["total"]).backward()
        optimiser.step()
        pace.append(float(told["pace"]))
    assert pace[-1] < 0.5 * pace[0]


def test_spreading_keeps_proportions() -> None:
    found = spread(torch.tensor([1.0, 3.0]), 8)
    assert found.tolist() == [2.0, 6.0]
    assert not spread(torch.zeros(3), 4).isnan().any()
    assert Durations(4, PACING)(torch.randn(1, 3, 4), torch.tensor([2]))[0, 2] == 0


def test_an_even_kernel_is_refused() -> None:
    with pytest.raises(ValidationError, match="odd"):
        Pacing(layers=1, kernel=4)
