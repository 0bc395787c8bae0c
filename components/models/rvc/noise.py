"""Noise that depends on its place alone, so that a stretch of a stream hears what the whole would."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

_BLOCK = 1 << 14


def noise_at(start: int, stop: int, seed: int) -> Tensor:
    """White noise of variance 1 over the places [start, stop) of an endless row: the same whoever asks."""
    first, last = start // _BLOCK, -(-stop // _BLOCK)
    row = torch.cat([_block(place, seed) for place in range(first, max(last, first + 1))])
    return row[start - first * _BLOCK : stop - first * _BLOCK]


@lru_cache(maxsize=64)
def _block(place: int, seed: int) -> Tensor:
    # torch's generator keeps 32 bits of a seed; numpy's takes a pair.
    drawn = np.random.default_rng((seed, place)).standard_normal(_BLOCK, dtype=np.float32)
    return torch.from_numpy(drawn)
