"""Which samples form batch ``n``, and which of them are whose: pure functions of seed, ``n`` and rank."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from components.core.errors import ConfigError, DataError

#: Batches whose samples are sorted by length together: little padding, and still a fresh mix each epoch.
_BATCHES_PER_POOL = 16


class BatchOrder:
    """Endless shuffled epochs of full batches.

    The tail of an epoch that does not fill a batch is left out; the next epoch's shuffle leaves out another.
    A corpus smaller than one batch is repeated within it, so the effective batch size always holds.

    Args:
        samples: size of the dataset.
        batch_size: samples per optimiser step (accumulation included).
        seed: of the shuffle; independent of the global generators.
        lengths: one number per sample; given, samples of like length share a batch.

    Raises:
        DataError: there is nothing to train on.
    """

    def __init__(
        self, samples: int, batch_size: int, seed: int, lengths: Sequence[int] | None = None
    ) -> None:
        if samples < 1:
            raise DataError(
                who="training data",
                expected="at least one sample",
                found="none",
                action="look at what ingest and features rejected",
            )
        self._samples, self._batch_size, self._seed = samples, batch_size, seed
        self._lengths = None if lengths is None else np.asarray(lengths)
        self.batches_per_epoch = max(1, samples // batch_size)
        self._epoch: tuple[int, list[list[int]]] = (-1, [])

    def batch(self, position: int) -> list[int]:
        """The sample numbers of batch ``position`` (0-based, counted over all epochs)."""
        epoch, within = divmod(position, self.batches_per_epoch)
        if self._epoch[0] != epoch:
            self._epoch = (epoch, self._batches_of(epoch))
        return self._epoch[1][within]

    def starting_at(self, position: int) -> Iterator[list[int]]:
        """Batches from ``position`` on, without end."""
        while True:
            yield self.batch(position)
            position += 1

    def _batches_of(self, epoch: int) -> list[list[int]]:
        generator = np.random.default_rng([self._seed, epoch])
        order = generator.permutation(self._samples)
        while len(order) < self._batch_size:
            order = np.concatenate([order, generator.permutation(self._samples)])
        order = order[: self.batches_per_epoch * self._batch_size]
        if self._lengths is not None:
            order = self._by_length(order, self._lengths, generator)
        return [list(map(int, batch)) for batch in order.reshape(-1, self._batch_size)]

    def _by_length(
        self, order: NDArray[np.int64], lengths: NDArray[np.int64], generator: np.random.Generator
    ) -> NDArray[np.int64]:
        pool = self._batch_size * _BATCHES_PER_POOL
        pools = [order[start : start + pool] for start in range(0, len(order), pool)]
        ordered = np.concatenate([part[np.argsort(lengths[part], kind="stable")] for part in pools])
        batches = ordered.reshape(-1, self._batch_size)
        return batches[generator.permutation(len(batches))].reshape(-1)


class Shares:
    """How the batches of a run are split over the processes that train together.

    The effective batch is the recipe's, however many processes there are. Each takes every ``world``-th
    micro-batch; where a process's share is a multiple of the recipe's batch size, these are the very
    micro-batches of one process alone, so that means over frames or symbols come out the same.

    Args:
        batch_size: most samples of a forward pass.
        accumulation: forward passes of a step on one process.
        rank: whose share.
        world: how many processes.

    Raises:
        ConfigError: the effective batch cannot be split evenly.
    """

    def __init__(self, batch_size: int, accumulation: int, rank: int, world: int) -> None:
        self.effective = batch_size * accumulation
        if self.effective % world:
            raise ConfigError(
                who="models.<name>.training",
                expected=f"batch_size * gradient_accumulation to be a multiple of {world} processes",
                found=f"{batch_size} * {accumulation}",
                action="change one of them, or resources.gpus and resources.nodes",
            )
        self._rank, self._world = rank, world
        self._parts = world * math.ceil(self.effective / world / batch_size)
        self.micro_batch = math.ceil(self.effective / self._parts)

    def of(self, batch: Sequence[int]) -> list[int]:
        """This process's part of an effective batch."""
        bounds = [part * self.effective // self._parts for part in range(self._parts + 1)]
        mine = range(self._rank, self._parts, self._world)
        return [index for part in mine for index in batch[bounds[part] : bounds[part + 1]]]
