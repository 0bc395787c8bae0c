"""The limits of params.yaml."""

from __future__ import annotations

import pytest

from components import catalogue
from components.core.params.captions import CaptionParams
from components.core.paths import project_root


@pytest.fixture(scope="session")
def limits() -> CaptionParams:
    return catalogue.load(project_root(), None).captions
