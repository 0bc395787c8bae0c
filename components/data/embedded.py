"""The corpus that this repository makes itself: generated voices, and recorded ones where apt exists."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock

from components.data.generated import render
from components.data.human import Skipped, fetch
from components.data.ingest import Ingest, IngestReport
from components.data.readers import generic

ESPEAK = "espeak"
HUMAN = "human"
_GENERATING = ("espeakng-loader", "numpy", "pyopenjtalk-plus", "pypinyin", "num2words")


def take_espeak(ingest: Ingest, scratch: Path, workers: int) -> IngestReport:
    """Generate the four-language part and take it into corpus ``espeak``.

    Args:
        ingest: the writer of ``data/``.
        scratch: a folder for the recordings until they are taken.
        workers: processes that generate.

    Raises:
        IrisError: see ``components.data.generated.render`` and `Ingest.take`.
    """
    with _folder_in(scratch, ESPEAK) as target:
        render(ingest.params, ingest.seed, target, workers, ingest.progress)
        source = dataclasses.replace(generic.read(target), name=ESPEAK)
        return ingest.take(source, ESPEAK, replace=True)


def take_human(ingest: Ingest, scratch: Path) -> IngestReport | Skipped:
    """Fetch the recorded part and take it into corpus ``human``; skipped where it cannot be had.

    What was fetched earlier stays when it is skipped now.

    Raises:
        IrisError: see ``components.data.human.fetch`` and `Ingest.take`.
    """
    with _folder_in(scratch, HUMAN) as target:
        fetched = fetch(ingest.params.embedded.human, target, ingest.progress)
        if isinstance(fetched, Skipped):
            return fetched
        source = dataclasses.replace(generic.read(target), name=HUMAN, transcribed=False)
        return ingest.take(source, HUMAN, replace=True)


def generator() -> dict[str, str]:
    """What made the generated recordings: package → version. Other versions may make other bytes."""
    return {name: version(name) for name in _GENERATING}


@contextmanager
def _folder_in(scratch: Path, name: str) -> Iterator[Path]:
    """A folder of a fixed name, so that what a killed run left in it is found and cleared."""
    scratch.mkdir(parents=True, exist_ok=True)
    with FileLock(scratch / f"{name}.lock"):
        folder = scratch / f"{name}-source"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield folder / name
        finally:
            shutil.rmtree(folder, ignore_errors=True)
