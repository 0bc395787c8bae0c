"""An ingest into a folder of the test's own."""

from __future__ import annotations

import datetime
import io
from dataclasses import replace
from pathlib import Path

import pytest
from source_folder import SourceFolder

from components import catalogue
from components.core.params.data import DataParams
from components.core.paths import project_root
from components.core.progress import Progress
from components.data.ingest import Ingest


@pytest.fixture(scope="session")
def data_params() -> DataParams:
    return catalogue.load(project_root(), "ci").data


@pytest.fixture
def source(tmp_path: Path) -> SourceFolder:
    return SourceFolder(tmp_path / "source")


@pytest.fixture
def ingest(tmp_path: Path, data_params: DataParams) -> Ingest:
    return Ingest(
        data=tmp_path / "work" / "data",
        locks=tmp_path / "locks",
        params=data_params,
        seed=1,
        today=datetime.date(2026, 6, 1),
        progress=Progress("test", stream=io.StringIO()),
    )


@pytest.fixture
def tolerant(ingest: Ingest) -> Ingest:
    """An ingest that takes a corpus however much of it is rejected."""
    limits = ingest.params.validation.model_copy(update={"max_rejected_share": 1.0})
    return replace(ingest, params=ingest.params.model_copy(update={"validation": limits}))
