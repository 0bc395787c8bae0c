"""Clusters that refuse what our policies for pods refuse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kube_standin import Cluster, Image
from policies import (
    images_by_digest,
    limits_everywhere,
    no_needless_token,
    restricted_pods,
    sized_volumes,
)

MakeCluster = Callable[..., Cluster]
POD_POLICIES = (restricted_pods, sized_volumes, images_by_digest, limits_everywhere, no_needless_token)


def new_cluster(folder: Path, image: Image, claim: Path) -> Cluster:
    """A cluster with one image for every reference, and the claims and the secret of the stages."""
    secrets: dict[str, dict[str, str]] = {"iris-credentials": {}}
    claims = {"iris-artifacts": claim, "iris-node-cache": folder / "node-cache"}
    return Cluster(folder, {"*": image}, claims, secrets, POD_POLICIES)
