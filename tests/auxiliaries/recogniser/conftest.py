"""A recogniser of toy size and the reference speech of a minute, rendered once."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from components import catalogue
from components.auxiliaries.recogniser.params import Section
from components.auxiliaries.recogniser.prepare import prepare
from components.core.params import Params
from components.core.paths import project_root
from components.core.progress import Progress

TINY: dict[str, Any] = {
    "architecture": {
        "channels": 48,
        "hidden": 64,
        "blocks": 2,
        "squeeze": 8,
        "kernel": 5,
        "tone_branch": {"channels": 24, "hidden": 32, "blocks": 1},
    },
    "training": {
        "batch_size": 4,
        "max_steps": 4,
        "max_cpu_seconds": 0.0,
        "checkpoint_every_steps": 4,
        "validate_every_steps": 4,
        "warmup_steps": 2,
        "ema_decay": 0.5,
        "precision": "32-true",
        "reference": {
            "utterances": {"ko": 4, "en": 4, "ja": 4, "zh": 4},
            "held_out_utterances": 2,
        },
    },
}


def laid_over(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """``base`` with nested values replaced."""
    return base | {
        key: laid_over(base[key], value) if isinstance(value, dict) and key in base else value
        for key, value in change.items()
    }


@pytest.fixture(scope="session")
def params() -> Params:
    return catalogue.load(project_root(), "ci")


@pytest.fixture(scope="session")
def section(params: Params) -> Section:
    shipped = params.auxiliaries["recogniser"].model_dump(mode="json")
    return Section.model_validate(laid_over(shipped, TINY))


@pytest.fixture(scope="session")
def features(params: Params, section: Section, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("recogniser") / "features"
    prepare(section, params.audio, params.data, target, params.seed, 1, Progress("test", StringIO()))
    return target
