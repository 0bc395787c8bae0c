"""What each iteration predicts: the number of a cluster for every frame of every clip."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.auxiliaries.content import clusters
from components.auxiliaries.content.clips import ClipStore, StoredClip
from components.auxiliaries.content.params import Training
from components.core.errors import CorruptFileError
from components.core.progress import Progress
from components.core.storage import atomic_folder, sha256_json, write_json

CLIPS = "clips"
_LABELS, _CENTROIDS, _CARD = "labels.npy", "centroids.npy", "targets.json"
Vectors = Callable[[StoredClip], NDArray[np.float32]]


@dataclass(frozen=True)
class Targets:
    """Clusters of one iteration.

    Attributes:
        store: the clips.
        labels: [all frames] in the order of the store's arrays.
        clusters: how many there are.
        iteration: 1, 2, …
        sha256: of how they came about; a checkpoint that learned others is not resumed.
    """

    store: ClipStore
    labels: NDArray[np.int16]
    clusters: int
    iteration: int
    sha256: str

    def of(self, row: StoredClip) -> NDArray[np.int16]:
        """[T] of one clip."""
        return self.labels[row.frame_start : row.frame_start + row.frames]


def folder_of(features: Path, iteration: int) -> Path:
    """Where the targets of an iteration lie below a prepared folder."""
    return features / f"targets-{iteration}"


def read_targets(features: Path) -> Targets:
    """The targets of a prepared folder (its first iteration) or of one of its ``targets-N``.

    Raises:
        CorruptFileError: not there, or not of these clips.
    """
    whole = (features / CLIPS).is_dir()
    folder = folder_of(features, 1) if whole else features
    store = ClipStore((features if whole else features.parent) / CLIPS)
    try:
        card = json.loads((folder / _CARD).read_text(encoding="utf-8"))
        labels = np.load(folder / _LABELS, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise _corrupt(folder, "targets", str(error)) from error
    if card["clips"] != store.sha256 or len(labels) != sum(row.frames for row in store.rows):
        raise _corrupt(folder, "targets of the clips beside them", "those of other clips")
    return Targets(store, labels, card["clusters"], card["iteration"], sha256_json(card))


def write_cepstral_targets(features: Path, training: Training, seed: int, progress: Progress) -> None:
    """The first iteration's: clusters of MFCC. Nothing is done when they are there already."""
    store = ClipStore(features / CLIPS)
    write_targets(features, training, 1, store.cepstra, store.sha256, seed, progress)


def write_targets(
    features: Path,
    training: Training,
    iteration: int,
    vectors: Vectors,
    origin: str,
    seed: int,
    progress: Progress,
) -> Path:
    """Cluster the vectors of training clips and label every clip's frames with the nearest centroid.

    Args:
        features: the prepared folder.
        iteration: whose targets; its number of clusters stands in ``training.iterations``.
        vectors: a clip's vectors [T, D]; called twice for some clips.
        origin: hash of what gives the vectors. Targets of the same origin, clips and number are kept.
        seed: of k-means and of which frames decide.

    Returns:
        The folder of the targets.
    """
    store, folder = ClipStore(features / CLIPS), folder_of(features, iteration)
    count = training.iterations[iteration - 1].clusters
    card = {
        "iteration": iteration,
        "clusters": count,
        "clips": store.sha256,
        "origin": origin,
        "seed": seed,
        "fit_frames": training.fit_frames,
    }
    if _is_there(folder, card):
        return folder
    sample = fitting_sample(store.of_split("train"), vectors, training.fit_frames, seed)
    progress.say(f"iteration {iteration}: {count} clusters of {len(sample)} frames")
    centroids = clusters.fit(sample, count, seed)
    rows = progress.track(store.rows, len(store.rows), "clips labelled")
    labels = np.concatenate([clusters.nearest(vectors(row), centroids) for row in rows])
    with atomic_folder(folder) as empty:
        np.save(empty / _LABELS, labels.astype(np.int16))
        np.save(empty / _CENTROIDS, centroids)
        write_json(empty / _CARD, card)
    return folder


def fitting_sample(
    rows: Iterable[StoredClip], vectors: Vectors, limit: int, seed: int
) -> NDArray[np.float32]:
    """At most ``limit`` vectors [N, D], of clips drawn at random: no more clips than needed are read."""
    order = sorted(rows, key=lambda row: row.clip_id)
    drawn: list[NDArray[np.float32]] = []
    frames = 0
    for place in np.random.default_rng(seed).permutation(len(order)):
        if frames >= limit:
            break
        drawn.append(np.asarray(vectors(order[place])))
        frames += len(drawn[-1])
    return np.concatenate(drawn)[:limit] if drawn else np.zeros((0, 1), np.float32)


def _is_there(folder: Path, card: dict[str, object]) -> bool:
    try:
        return bool(json.loads((folder / _CARD).read_text(encoding="utf-8")) == card)
    except (OSError, ValueError):
        return False


def _corrupt(folder: Path, expected: str, found: str) -> CorruptFileError:
    return CorruptFileError(
        who=str(folder),
        expected=expected,
        found=found,
        action="delete the folder and run `make pretrain MODEL=content` again",
    )
