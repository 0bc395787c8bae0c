"""The order of batches is a pure function of seed and position."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import ConfigError
from components.training.sampler import BatchOrder, Shares

SIZES = st.integers(1, 60)


@given(samples=SIZES, batch_size=st.integers(1, 20), seed=st.integers(0, 2**32), start=st.integers(0, 50))
def test_any_position_can_be_taken_up(samples: int, batch_size: int, seed: int, start: int) -> None:
    whole = list(islice(BatchOrder(samples, batch_size, seed).starting_at(0), start + 3))
    part = list(islice(BatchOrder(samples, batch_size, seed).starting_at(start), 3))
    assert part == whole[start:]
    assert all(len(batch) == batch_size for batch in whole)
    assert all(0 <= index < samples for batch in whole for index in batch)


@given(samples=SIZES, batch_size=st.integers(1, 20), seed=st.integers(0, 9), by_length=st.booleans())
def test_an_epoch_repeats_nothing_that_fits_once(
    samples: int, batch_size: int, seed: int, by_length: bool
) -> None:
    lengths = list(range(samples, 0, -1)) if by_length else None
    order = BatchOrder(samples, batch_size, seed, lengths)
    drawn = [index for position in range(order.batches_per_epoch) for index in order.batch(position)]
    if samples >= batch_size:
        assert len(set(drawn)) == len(drawn) > samples - batch_size
    else:
        assert set(drawn) == set(range(samples))


def test_epochs_and_seeds_differ_and_global_generators_do_not_matter() -> None:
    order = BatchOrder(100, 10, seed=1)
    first = [order.batch(p) for p in range(10)]
    np.random.seed(5)
    assert [BatchOrder(100, 10, seed=1).batch(p) for p in range(10)] == first
    assert [order.batch(p) for p in range(10, 20)] != first
    assert BatchOrder(100, 10, seed=2).batch(0) != first[0]


def test_like_lengths_share_a_batch() -> None:
    lengths = [int(length) for length in np.random.default_rng(0).integers(1, 1000, 320)]
    bucketed, plain = BatchOrder(320, 8, 3, lengths), BatchOrder(320, 8, 3)

    def padding(order: BatchOrder) -> int:
        batches = [[lengths[i] for i in order.batch(p)] for p in range(40)]
        return sum(max(batch) * len(batch) - sum(batch) for batch in batches)

    assert padding(bucketed) < 0.3 * padding(plain)


@given(
    batch_size=st.integers(1, 12),
    accumulation=st.integers(1, 6),
    world=st.integers(1, 5),
)
def test_shares_are_disjoint_whole_and_never_too_large(
    batch_size: int, accumulation: int, world: int
) -> None:
    batch = list(range(batch_size * accumulation))
    if len(batch) % world:
        with pytest.raises(ConfigError):
            Shares(batch_size, accumulation, 0, world)
        return
    shares = [Shares(batch_size, accumulation, rank, world) for rank in range(world)]
    parts = [share.of(batch) for share in shares]
    assert sorted(index for part in parts for index in part) == batch
    assert all(parts)
    assert {share.micro_batch for share in shares} == {shares[0].micro_batch}
    assert 1 <= shares[0].micro_batch <= batch_size
    if world == 1:
        assert parts == [batch]
        assert shares[0].micro_batch == batch_size


def test_whole_micro_batches_go_round_the_processes() -> None:
    batch = list(range(12))
    parts = [Shares(3, 4, rank, 2).of(batch) for rank in (0, 1)]
    assert parts == [[0, 1, 2, 6, 7, 8], [3, 4, 5, 9, 10, 11]]
