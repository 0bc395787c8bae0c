"""k-means, and how well clusters agree with sounds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.core.errors import DataError, NothingScoredError

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]
_BATCH = 10_000
_TRIES = 5
_ROWS_AT_ONCE = 50_000


def fit(vectors: Floats, clusters: int, seed: int) -> Floats:
    """Centroids [clusters, D] by minibatch k-means (scikit-learn; k-means++ begins it, best of 5).

    Args:
        vectors: [N, D].
        clusters: how many.
        seed: of the beginnings and the batches.

    Raises:
        DataError: fewer vectors than clusters.
    """
    from sklearn.cluster import MiniBatchKMeans

    if len(vectors) < clusters:
        raise DataError(
            who="k-means of the content encoder",
            expected=f"at least {clusters} frames, one a cluster",
            found=f"{len(vectors)}",
            action="give it more recordings, or lower clusters in auxiliaries.content.training.iterations",
        )
    means = MiniBatchKMeans(
        clusters, batch_size=_BATCH, n_init=_TRIES, random_state=seed, compute_labels=False
    )
    centroids: Floats = means.fit(vectors).cluster_centers_.astype(np.float32)
    return centroids


def nearest(vectors: Floats, centroids: Floats) -> Numbers:
    """[N] the centroid nearest to each vector; exact, a bounded number of rows at a time."""
    lengths = (centroids**2).sum(axis=1)
    parts = [
        np.argmin(lengths - 2.0 * (vectors[start : start + _ROWS_AT_ONCE] @ centroids.T), axis=1)
        for start in range(0, len(vectors), _ROWS_AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


@dataclass(frozen=True)
class Agreement:
    """Clusters against sounds over the same frames (HuBERT, Hsu et al. 2021, section IV-D).

    Attributes:
        phone_purity: share of frames whose sound is the most frequent one of their cluster.
        cluster_purity: share of frames whose cluster is the most frequent one of their sound.
        pnmi: share of the uncertainty about the sound (entropy) that knowing the cluster takes away; 0 to 1.
    """

    phone_purity: float
    cluster_purity: float
    pnmi: float


def agreement(clusters: Numbers, sounds: NDArray[np.integer]) -> Agreement:
    """Purities and phone-normalised mutual information.

    Args:
        clusters: [N] ≥ 0.
        sounds: [N] ≥ 0.

    Raises:
        NothingScoredError: no frames, or one sound only: there is no uncertainty to take away.
    """
    if len(np.unique(sounds)) < 2:
        raise NothingScoredError(
            who="clusters of the content encoder",
            expected="frames of at least two sounds",
            found=f"{len(sounds)} frames of {len(np.unique(sounds))}",
            action="measure on recordings whose symbol times are known",
        )
    counts = np.zeros((int(clusters.max()) + 1, int(sounds.max()) + 1))
    np.add.at(counts, (clusters, sounds), 1.0)
    joint = counts / counts.sum()
    of_sound, of_cluster = joint.sum(axis=0), joint.sum(axis=1)
    held = joint > 0
    independent = np.outer(of_cluster, of_sound)
    information = float((joint[held] * np.log(joint[held] / independent[held])).sum())
    entropy = -math.fsum(float(p) * math.log(float(p)) for p in of_sound if p > 0)
    return Agreement(
        phone_purity=float(joint.max(axis=1).sum()),
        cluster_purity=float(joint.max(axis=0).sum()),
        pnmi=information / entropy,
    )
