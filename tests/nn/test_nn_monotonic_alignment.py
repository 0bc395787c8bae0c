"""Alignment blocks against the slowest possible way to the same numbers."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from components.core.errors import DataError
from components.nn.alignment_prior import beta_binomial_log_prior
from components.nn.forward_sum import forward_sum_loss
from components.nn.length_regulation import average_by_duration
from components.nn.monotonic_alignment import monotonic_durations

NEVER = -1.0e4


def compositions(frames: int, symbols: int) -> list[list[int]]:
    """Every way to share out frames among symbols, at least one each."""
    cuts = itertools.combinations(range(1, frames), symbols - 1)
    return [list(np.diff([0, *cut, frames])) for cut in cuts]


def score_of(scores: torch.Tensor, durations: list[int]) -> float:
    owner = np.repeat(np.arange(len(durations)), durations)
    return float(scores[range(len(owner)), owner].double().sum())


@st.composite
def batches(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Scores [B, T, L] with garbage outside each row's own part, symbols and frames."""
    frames = draw(st.lists(st.integers(1, 8), min_size=1, max_size=3))
    symbols = [draw(st.integers(1, min(5, count))) for count in frames]
    longest, widest = max(frames) + draw(st.integers(0, 2)), max(symbols) + draw(st.integers(0, 2))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    scores = torch.randn(len(frames), longest, widest, generator=generator) * draw(
        st.sampled_from([0.1, 9.0])
    )
    for row, (count, length) in enumerate(zip(symbols, frames, strict=True)):
        scores[row, length:], scores[row, :, count:] = torch.nan, 1e9
    return scores, torch.tensor(symbols), torch.tensor(frames)


@settings(deadline=None, max_examples=150)
@given(batches())
def test_the_path_found_is_the_best_of_all(batch: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> None:
    scores, symbols, frames = batch
    found = monotonic_durations(scores, symbols, frames)
    for row, (count, length) in enumerate(zip(symbols.tolist(), frames.tolist(), strict=True)):
        ours = found[row].tolist()
        assert ours[count:] == [0] * (len(ours) - count)
        every = compositions(length, count)
        assert ours[:count] in every
        best = max(score_of(scores[row], other) for other in every)
        assert score_of(scores[row], ours[:count]) == pytest.approx(best, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("value", [0.0, math.nan, -math.inf])
def test_scores_that_say_nothing_still_give_a_path(value: float) -> None:
    durations = monotonic_durations(torch.full((2, 7, 4), value), torch.tensor([4, 2]), torch.tensor([7, 5]))
    assert durations.sum(dim=1).tolist() == [7, 5]
    assert durations[0].min() >= 1
    assert durations[1, :2].min() >= 1


def test_as_many_symbols_as_frames_share_one_each_and_one_more_is_refused() -> None:
    scores = torch.randn(1, 5, 6)
    durations = monotonic_durations(scores, torch.tensor([5]), torch.tensor([5]))
    assert durations.tolist() == [[1, 1, 1, 1, 1, 0]]
    for symbols in (6, 0):
        with pytest.raises(DataError, match=f"expected 1 to 5 symbols.*found {symbols}"):
            monotonic_durations(scores, torch.tensor([symbols]), torch.tensor([5]))


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(("symbols", "frames"), [(1, 1), (1, 7), (6, 9), (80, 640)])
def test_the_prior_is_scipys_beta_binomial(symbols: int, frames: int, scale: float) -> None:
    from scipy.stats import betabinom

    shape = (frames + 2, symbols + 3)
    prior = beta_binomial_log_prior(torch.tensor([symbols]), torch.tensor([frames]), shape, scale)[0]
    assert torch.isfinite(prior).all()
    steps = np.arange(1, frames + 1)[:, None]
    expected = betabinom.logpmf(
        np.arange(symbols)[None], symbols - 1, scale * steps, scale * (frames + 1 - steps)
    )
    np.testing.assert_allclose(prior[:frames, :symbols], expected, atol=5e-3)
    np.testing.assert_allclose(prior[:frames, :symbols].exp().sum(-1), 1.0, atol=2e-3)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 6), st.integers(0, 3), st.integers(0, 2**31))
def test_the_forward_sum_is_the_sum_over_all_paths(frames: int, fewer: int, seed: int) -> None:
    symbols = max(1, frames - fewer)
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(1, frames + 2, symbols + 2, generator=generator)
    scores[:, :, symbols:] = NEVER
    blank = -1.0
    normalised = F.pad(scores[0, :frames, :symbols], (1, 0), value=blank).log_softmax(-1).exp()
    # CTC lets a path rest on a blank between symbols, and before the first and after the last.
    total = 0.0
    for labels in itertools.product(range(symbols + 1), repeat=frames):
        collapsed = [label for label, _ in itertools.groupby(labels) if label]
        if collapsed == list(range(1, symbols + 1)):
            total += math.prod(float(normalised[t, label]) for t, label in enumerate(labels))
    found = forward_sum_loss(scores, torch.tensor([symbols]), torch.tensor([frames]), blank)
    assert found.item() == pytest.approx(-math.log(total) / symbols, rel=1e-4)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12).filter(any), st.integers(0, 2**31))
@settings(deadline=None)
def test_averages_over_durations_equal_a_plain_loop(durations: list[int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    frames = sum(durations)
    values = torch.randn(1, frames + 2, generator=generator)
    counted = torch.rand(1, frames + 2, generator=generator) < 0.5
    counted[:, frames:] = False
    found = average_by_duration(values, torch.tensor([durations]), counted)[0]
    edges = np.cumsum([0, *durations])
    for place, (start, end) in enumerate(itertools.pairwise(edges)):
        part = values[0, start:end][counted[0, start:end]]
        assert found[place].item() == pytest.approx(part.mean().item() if len(part) else 0.0, abs=1e-5)
