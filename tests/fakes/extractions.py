"""An extraction of features with the parameters of a profile, told to nobody."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from components import catalogue
from components.core.extraction import Extraction
from components.core.paths import project_root
from components.core.progress import Progress


def extraction(
    corpora: Sequence[Path],
    target: Path,
    *,
    profile: str | None = "ci",
    seed: int = 1,
    workers: int = 1,
    shard: tuple[int, int] | None = None,
) -> Extraction:
    """Of these corpora into ``target``."""
    params = catalogue.load(project_root(), profile)
    quiet = Progress("test", stream=io.StringIO())
    return Extraction(corpora, target, params.audio, params.data, seed, workers, quiet, shard)
