"""What tests against the stand-in share: Airflow's tables, and clusters with our policies."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pod_runs
import pytest
from kube_standin import Cluster, Image, Nursery, stage_environment
from standin_clusters import new_cluster

from components.core.paths import project_root


@pytest.fixture(scope="session")
def airflow_tables() -> None:
    """Airflow's metadata database of this session."""
    pod_runs.make_database()


@pytest.fixture
def make_cluster(tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Makes clusters whose only image runs a shell script, or the given one; all end with the test."""
    numbers = itertools.count()
    with ExitStack() as stack:

        def make(script: str = "", image: Image | None = None, claim: Path | None = None) -> Cluster:
            folder = tmp_path / f"cluster-{next(numbers)}"
            folder.mkdir()
            claim = claim or folder / "claim"
            claim.mkdir(exist_ok=True)
            return stack.enter_context(new_cluster(folder, image or Image.scripted(folder, script), claim))

        yield make


@pytest.fixture(scope="session")
def stage_image() -> Iterator[Image]:
    """The image of the stages, its libraries loaded once for the session."""
    nursery = Nursery(stage_environment())
    yield Image.of_stages(project_root(), nursery)
    nursery.close()
