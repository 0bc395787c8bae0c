"""Sampling against a reference, batches against single rows, seeds, endings, loops, pieces of text."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_vallex import section_of

from components.core.errors import DataError
from components.espeak import PAUSE
from components.models.vallex import decoding
from components.models.vallex.decoding import Generation, Request, first_codes, text_of
from components.models.vallex.filling import filled, first_vectors
from components.models.vallex.loops import is_loop
from components.models.vallex.network import VallexNetwork
from components.models.vallex.params import Inference, Loop, Repetition, Section
from components.models.vallex.sampling import Sampler, candidates, drawn, temperature_at
from components.models.vallex.segmentation import pieces
from components.models.vallex.stepping import StaticSteps
from components.text import Phonemes, phonemise

CONTEXT = 200
#: Far enough apart that single precision keeps them in order.
LOGITS = st.lists(st.integers(-512, 512), min_size=2, max_size=40, unique=True).map(
    lambda numbers: [number / 64 for number in numbers]
)


def request(length: int, prompt: int, seed: int, target: int | None = None) -> Request:
    generator = torch.Generator().manual_seed(100 + seed)
    symbols = torch.randint(3, 300, (length,), generator=generator).tolist()
    languages = torch.randint(0, 4, (length,), generator=generator).tolist()
    codes = torch.randint(0, 16, (3, prompt), generator=generator)
    return Request(symbols, languages, length if target is None else target, codes, seed)


def reference(logits: list[float], temperature: float, top_k: int, top_p: float) -> dict[int, float]:
    """Temperature, top-k, top-p, written plainly; code → probability."""
    scaled = np.array(logits, np.float32).astype(np.float64) / temperature
    order = np.argsort(-scaled, kind="stable")[:top_k]
    shares = np.exp(scaled[order] - scaled[order].max())
    shares /= shares.sum()
    kept, total = {}, 0.0
    for code, share in zip(order, shares, strict=True):
        kept[int(code)] = float(share)
        total += share
        if total >= top_p:
            break
    return {code: share / sum(kept.values()) for code, share in kept.items()}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LOGITS, st.floats(0.3, 2.0), st.integers(1, 50), st.floats(0.01, 1.0))
def test_top_k_then_top_p_against_a_reference(
    logits: list[float], temperature: float, top_k: int, top_p: float
) -> None:
    found = candidates(torch.tensor([logits]), torch.tensor([temperature]), top_k, top_p)
    kept = {
        int(code): float(share)
        for code, share in zip(found.codes[0], found.probabilities[0], strict=True)
        if share > 0
    }
    expected = reference(logits, temperature, top_k, top_p)
    assert kept, "at least one code is always kept"
    # A code at the very edge of top_p may fall either way in single precision.
    # So may those that are too rare for single precision to add up.
    edge = {
        code for code in set(kept) ^ set(expected) if max(kept.get(code, 0), expected.get(code, 0)) > 1e-6
    }
    assert len(edge) <= 1
    if not edge:
        for code, share in expected.items():
            assert kept.get(code, 0.0) == pytest.approx(share, rel=1e-3, abs=1e-5)


def test_the_likeliest_stays_however_small_top_p() -> None:
    found = candidates(torch.tensor([[0.0, 5.0, 1.0]]), torch.ones(1), 40, 1e-6)
    assert found.codes[0, 0] == 1
    assert found.probabilities[0].tolist() == [1.0, 0.0, 0.0]


@settings(max_examples=50, deadline=None)
@given(LOGITS, st.floats(0, 1, exclude_max=True, width=32), st.floats(0.05, 1.0))
def test_only_candidates_are_drawn(logits: list[float], chance: float, top_p: float) -> None:
    found = candidates(torch.tensor([logits]), torch.ones(1), 5, top_p)
    code = int(drawn(found, torch.tensor([chance]))[0])
    assert code in found.codes[0][found.probabilities[0] > 0].tolist()


def test_draws_follow_the_probabilities() -> None:
    found = candidates(torch.log(torch.tensor([[0.6, 0.3, 0.1]])), torch.ones(1), 3, 1.0)
    even = torch.linspace(0, 1, 1001)[:-1]
    counts = torch.bincount(torch.cat([drawn(found, chance[None]) for chance in even]), minlength=3)
    assert counts.tolist() == pytest.approx([600, 300, 100], abs=2)


def test_the_temperature_falls_and_is_held() -> None:
    inference = section_of(None).inference
    steps = torch.tensor([0, 45, 90, 225, 226, 5000])
    expected = [0.8, 0.76, 0.72, 0.6, 0.6, 0.6]
    assert temperature_at(steps, inference).tolist() == pytest.approx(expected)


def always(end: float, vocabulary: int = 17) -> torch.Tensor:
    """Logits that want nothing but the end."""
    logits = torch.zeros(1, vocabulary)
    logits[0, -1] = end
    return logits


def test_the_end_is_forbidden_first_and_never_for_ever(section: Section) -> None:
    sampler = Sampler(section.inference, 16, (1,), 50)
    recent = torch.full((1, section.inference.repetition.window), -1)
    told = [int(sampler.next(always(60.0), step, recent)[0]) for step in range(50)]
    least = section.inference.min_new_tokens
    assert 16 not in told[:least]
    assert told[least:] == [16] * (50 - least)


def test_a_repeated_code_is_drawn_again(section: Section) -> None:
    rules = section.inference.model_copy(update={"repetition": Repetition(window=10, max_share=0.3)})
    logits = torch.full((1, 17), 0.0)
    logits[0, 5] = 2.0  # the only candidate under top-p 0.3, but less than half of all
    rules = rules.model_copy(update={"top_p": 0.3})
    sampler = Sampler(rules, 16, (3,), 200)
    fresh = [int(sampler.next(logits, s, torch.full((1, 10), -1))[0]) for s in range(5, 200)]
    stuck = [int(sampler.next(logits, s, torch.full((1, 10), 5))[0]) for s in range(5, 200)]
    assert set(fresh) == {5}
    assert len(set(stuck)) > 5


def test_batch_equals_single(network: VallexNetwork, section: Section) -> None:
    requests = [request(5, 4, 1), request(3, 0, 2), request(8, 7, 3)]
    together, endings = first_codes(network.ar, requests, section.inference, CONTEXT)
    tables = torch.randn(3, 16, 5, generator=torch.Generator().manual_seed(3))
    whole = filled(network, requests, together, tables)
    for row, one in enumerate(requests):
        alone, ending = first_codes(network.ar, [one], section.inference, CONTEXT)
        assert alone[0] == together[row]
        assert ending[0] == endings[row]
        (own,) = filled(network, [one], alone, tables)
        assert torch.equal(own.codes, whole[row].codes)
        torch.testing.assert_close(own.vectors, whole[row].vectors)
        assert own.codes.shape == (3, len(alone[0]))
        assert filled(network, [one], alone, None)[0].vectors is None


def test_mean_codewords_are_those_of_the_probabilities(network: VallexNetwork, section: Section) -> None:
    """Frame by frame, of what was known before each frame; and a stream's chunks are told the same."""
    one, tables = request(6, 3, 4), torch.randn(3, 16, 5, generator=torch.Generator().manual_seed(3))
    said = first_codes(network.ar, [one], section.inference, CONTEXT)[0]
    (means,) = first_vectors(network.ar, [one], said, tables[0])
    text = text_of([one], torch.device("cpu"))
    heard = [network.ar.begin, *one.prompt[0].tolist()]
    for mean, code in zip(means, said[0], strict=True):
        shares = network.ar(text, torch.tensor([heard]))[0, -1, :16].softmax(dim=0)
        torch.testing.assert_close(mean, shares @ tables[0], atol=1e-4, rtol=1e-3)
        heard.append(code)
    (begun,) = filled(network, [one], [said[0][:5]], tables)
    (rest,) = filled(network, [one], said, tables, begun.codes)
    grown = begun.followed_by(rest)
    assert grown.vectors is not None
    assert grown.frames == len(grown.vectors) == len(said[0])
    assert torch.equal(grown.codes[:, :5], begun.codes)
    only_first = torch.cat([tables[:1], torch.zeros(2, 16, 5)])
    (alone,) = filled(network, [one], said, only_first)
    torch.testing.assert_close(alone.vectors, means)


@pytest.mark.parametrize("even", [True, False], ids=["rows alike", "rows of other lengths"])
def test_steps_that_can_be_captured_say_the_same(
    network: VallexNetwork, section: Section, even: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that have ended are computed along, and nobody hears them."""
    shapes = [(5, 4, 5), (5, 4, 2), (5, 4, 3)] if even else [(5, 4, 5), (3, 0, 3), (8, 7, 8)]
    requests = [request(length, prompt, seed, target) for seed, (length, prompt, target) in enumerate(shapes)]
    growing = first_codes(network.ar, requests, section.inference, CONTEXT)
    assert len({len(row) for row in growing[0]}) > 1, "rows end at different steps"
    monkeypatch.setattr(decoding, "steps_for", StaticSteps)
    assert first_codes(network.ar, requests, section.inference, CONTEXT) == growing


@pytest.mark.skipif(not torch.cuda.is_available(), reason="captures a CUDA graph")
def test_a_captured_graph_says_what_the_cpu_says(network: VallexNetwork, section: Section) -> None:
    requests = [request(5, 4, 1), request(3, 0, 2), request(8, 7, 3)]
    expected = first_codes(network.ar, requests, section.inference, CONTEXT, greedy=True)
    found = first_codes(network.to("cuda").ar, requests, section.inference, CONTEXT, greedy=True)
    assert found == expected


def test_greedy_is_what_a_loop_without_a_cache_says(network: VallexNetwork, section: Section) -> None:
    one = request(6, 3, 4)
    found, _ = first_codes(network.ar, [one], section.inference, CONTEXT, greedy=True)
    text = text_of([one], torch.device("cpu"))
    heard = [network.ar.begin, *one.prompt[0].tolist()]
    for step, code in enumerate(found[0]):
        logits = network.ar(text, torch.tensor([heard]))[0, -1]
        if step < section.inference.min_new_tokens:
            logits[network.ar.end] = -torch.inf
        assert int(logits.argmax()) == code
        heard.append(code)


def test_a_seed_says_the_same_again(network: VallexNetwork, section: Section) -> None:
    one, other = request(5, 4, 1), dataclasses.replace(request(5, 4, 1), seed=9)
    first = first_codes(network.ar, [one], section.inference, CONTEXT)[0]
    assert first == first_codes(network.ar, [one], section.inference, CONTEXT)[0]
    assert first != first_codes(network.ar, [other], section.inference, CONTEXT)[0]


def never_ends(network: VallexNetwork) -> VallexNetwork:
    with torch.no_grad():
        network.ar.head.weight[-1].zero_()
        network.ar.head.weight[:-1].mul_(3.0)
    return network


def test_speech_that_does_not_end_is_cut(network: VallexNetwork, section: Section) -> None:
    free = section.inference.model_copy(
        update={"max_tokens_per_symbol": 3.0, "loop": Loop(window=100, max_period=5, min_share=1.0)}
    )
    found, endings = first_codes(never_ends(network).ar, [request(9, 2, 5, target=4)], free, CONTEXT)
    if endings[0] == "length":
        assert len(found[0]) == 12
    full, ended = first_codes(network.ar, [request(9, 190, 5)], free, CONTEXT)
    assert len(full[0]) <= 10, "prompt and speech share the context"
    assert ended[0] in ("length", "end")


def test_a_loop_ends_and_is_taken_back(network: VallexNetwork, section: Section) -> None:
    with torch.no_grad():
        network.ar.head.weight.zero_()
        network.ar.transformer.norm.bias.fill_(1.0)
        network.ar.head.weight[7].fill_(5.0)
    rules = section.inference.model_copy(update={"max_tokens_per_symbol": 50.0})
    found, endings = first_codes(network.ar, [request(6, 2, 6)], rules, CONTEXT, greedy=True)
    assert endings == ["loop"]
    assert found == [[]]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (list(range(60)), False),
        ([3, 1, 4, 1, 5] * 12, True),
        ([7] * 60, True),
        ([7] * 30, False),
        (list(range(20)) + [9, 8, 7] * 15, True),
        (list(range(16)) * 4, False),
    ],
    ids=["speech", "period 5", "held", "too short", "after speech", "longer than the longest period"],
)
def test_loops(codes: list[int], expected: bool) -> None:
    assert is_loop(codes, Loop(window=40, max_period=10, min_share=0.95)) is expected


def test_a_prompt_that_fills_the_context_is_refused(network: VallexNetwork, section: Section) -> None:
    with pytest.raises(DataError, match="prompt"):
        Generation(network.ar, [request(5, 198, 1)], section.inference, CONTEXT)
    with pytest.raises(DataError, match="symbol"):
        Generation(network.ar, [request(0, 5, 1)], section.inference, CONTEXT)


def said(symbols: str, words: list[int]) -> Phonemes:
    return Phonemes(tuple(PAUSE if s == "." else s for s in symbols), (), tuple(words), ())


def test_text_is_parted_at_pauses_then_between_words() -> None:
    text = said("abc.de.fghijk.", [0, 0, 1, -1, 2, 2, -1, 3, 3, 3, 4, 4, 4, -1])
    assert pieces(text, 20) == [text.symbols]
    assert pieces(text, 8) == [(*"abc", PAUSE, *"de", PAUSE), (*"fghijk", PAUSE)]
    assert pieces(text, 5) == [
        (*"abc", PAUSE),
        (*"de", PAUSE),
        (*"fgh", PAUSE),
        (*"ijk", PAUSE),
    ]
    assert pieces(said("abcdef.", [0] * 6 + [-1]), 4) == [(*"abc", PAUSE), (*"def", PAUSE)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(2, 12))
def test_nothing_is_left_out(shape: list[int], longest: int) -> None:
    """0 is a pause, anything else a symbol of the next word or of the same."""
    symbols, words, word = [], [], 0
    for place, kind in enumerate(shape):
        symbols.append(PAUSE if kind == 0 else f"s{place}")
        word += kind == 1
        words.append(-1 if kind == 0 else word)
    text = Phonemes((*symbols, PAUSE), (), (*words, -1), ())
    found = pieces(text, longest)
    sounds = [symbol for part in found for symbol in part if symbol != PAUSE]
    assert sounds == [symbol for symbol in symbols if symbol != PAUSE]
    assert all(1 <= len(part) <= longest and part[-1] == PAUSE for part in found)


def test_a_real_text_is_parted_at_its_clauses() -> None:
    text = phonemise("We were away, a year ago. Please call Stella, and ask her to come.", "en")
    found = pieces(text, 20)
    assert len(found) > 2
    assert all(len(part) <= 20 for part in found)


def test_the_laptop_rules_are_within_reason() -> None:
    inference: Inference = section_of("laptop").inference
    assert inference.top_k == 40
    assert inference.top_p == 0.9
