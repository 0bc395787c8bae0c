"""Content features of a speaker's own recordings in place of a stranger's: what gives RVC its name."""

from __future__ import annotations

import torch
from torch import Tensor

_ITERATIONS = 20
_ROWS_AT_ONCE = 4096
"""Bounds the distances in memory, whatever the recording's length."""
_SMALLEST = 1e-8
"""Of a squared distance; a feature that is a centroid takes it whole."""


def centroids(features: Tensor, count: int, seed: int) -> Tensor:
    """At most ``count`` points that stand for features [N, D]: k-means (Lloyd), or all of them.

    Deterministic: begins with rows drawn by ``seed``; a centroid that is nearest to nothing stays.

    Returns:
        [min(N, count), D].
    """
    if len(features) <= count:
        return features.clone()
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(features), generator=generator)[:count]
    centres = features[chosen.to(features.device)].clone()
    for _ in range(_ITERATIONS):
        nearest = torch.cat(
            [torch.cdist(part, centres).argmin(1) for part in torch.split(features, _ROWS_AT_ONCE)]
        )
        sums = torch.zeros_like(centres).index_add_(0, nearest, features)
        sizes = torch.bincount(nearest, minlength=count).unsqueeze(1)
        moved = torch.where(sizes > 0, sums / sizes.clamp(min=1), centres)
        if torch.equal(moved, centres):
            break
        centres = moved
    return centres


def retrieved(features: Tensor, index: Tensor, neighbours: int) -> Tensor:
    """For each feature the mean of its nearest points, nearer ones weighing more: exact search.

    Weights are 1 / d⁴, d the Euclidean distance: upstream squares the inverse of what faiss returns, which is
    d² already.

    Args:
        features: [T, D].
        index: [K, D].
        neighbours: how many points count, at most K.

    Returns:
        [T, D].
    """
    count = min(neighbours, len(index))
    parts = []
    for part in torch.split(features, _ROWS_AT_ONCE):
        distances, places = torch.cdist(part, index).topk(count, dim=1, largest=False)
        # The root of the weights relative to the nearest: 1 / d⁴ of a tiny d would overflow.
        squares = distances.square().clamp(min=_SMALLEST)
        weights = (squares[:, :1] / squares).square()
        weights = weights / weights.sum(dim=1, keepdim=True)
        parts.append((index[places] * weights.unsqueeze(-1)).sum(dim=1))
    return torch.cat(parts) if parts else features


def blended(
    features: Tensor, voiced: Tensor, index: Tensor, *, neighbours: int, rate: float, protect: float
) -> Tensor:
    """Features moved towards the speaker's: by ``rate``, and where unvoiced by ``rate · protect`` only.

    Breath and consonants carry little of a voice and suffer most from a wrong neighbour. ``protect`` 0.5
    means no protection, as upstream.

    Args:
        features: [T, D].
        voiced: [T] bool.
        index: [K, D] of the speaker.
        neighbours, rate, protect: see ``models.rvc.inference``.

    Returns:
        [T, D].
    """
    if rate == 0 or len(index) == 0:
        return features
    share = torch.full_like(features[:, :1], rate)
    if protect < 0.5:
        share = torch.where(voiced.unsqueeze(1), share, share * protect)
    return torch.lerp(features, retrieved(features, index, neighbours), share)
