"""What tests against the stand-in share: Airflow's tables, a cluster with our policies, a run in pods."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pod_runs
import pytest
from kube_standin import Cluster, Image
from policies import (
    images_by_digest,
    limits_everywhere,
    no_needless_token,
    restricted_pods,
    sized_volumes,
)

from components.core.paths import project_root

POD_POLICIES = (restricted_pods, sized_volumes, images_by_digest, limits_everywhere, no_needless_token)
MakeCluster = Callable[..., Cluster]


@pytest.fixture(scope="session")
def airflow_tables() -> None:
    """Airflow's metadata database of this session."""
    pod_runs.make_database()


@pytest.fixture
def make_cluster(tmp_path: Path) -> Iterator[MakeCluster]:
    """Makes clusters whose only image runs a shell script, or the given one; all end with the test."""
    numbers = itertools.count()
    with ExitStack() as stack:

        def make(script: str = "", image: Image | None = None, claim: Path | None = None) -> Cluster:
            folder = tmp_path / f"cluster-{next(numbers)}"
            folder.mkdir()
            claim = claim or folder / "claim"
            claim.mkdir(exist_ok=True)
            images = {"*": image or Image.scripted(folder, script)}
            secrets: dict[str, dict[str, str]] = {"iris-credentials": {}}
            return stack.enter_context(
                Cluster(folder, images, {"iris-artifacts": claim}, secrets, POD_POLICIES)
            )

        yield make


@pytest.fixture(scope="session")
def stage_image() -> Image:
    """The image of the stages, its libraries loaded once for the session."""
    return Image.of_stages(project_root())
