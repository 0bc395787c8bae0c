"""The features of a model: two worker processes beside one process, over the same recordings, in turns.

Wall time of the whole extraction: starting the workers, reading, analysis, content encoder or codec, writing
the store. Both sides must write the same bytes.

    python benchmarks/feature_extraction.py [--model rvc] [--profile laptop] [--data data]
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from ratio import Row, in_turns, row, seconds, tell, unmeasured

from components import catalogue
from components.core.extraction import Extraction
from components.core.params import Params
from components.core.paths import project_root
from components.core.progress import Progress
from components.core.storage import sha256_path
from components.core.utterance import PhonemeTiming, Utterance
from components.data.consent import ConsentRecord, consent_text
from components.data.corpus import corpora
from components.data.manifest import write_manifest
from components.data.timings import timings_text
from components.nn.contracts import Auxiliaries

GOAL, WORKERS, REPEATS, SHORT_CLIPS = 1.8, 2, 2, 2
MODEL, PROFILE, SHORT_PROFILE = "rvc", "laptop", "ci"


def main() -> int:
    """Measure; 1 when the ratio misses the goal."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--profile", default=PROFILE)
    parser.add_argument("--data", type=Path, default=project_root() / "data")
    asked = parser.parse_args()
    params = catalogue.load(project_root(), asked.profile)
    return tell([_measured(asked.model, params, _recorded(params, asked.data), REPEATS)])


def rows(short: bool) -> list[Row]:
    """Row 6; the short form has a handful of made-up recordings."""
    if not short:
        params = catalogue.load(project_root(), PROFILE)
        return [_measured(MODEL, params, _recorded(params, project_root() / "data"), REPEATS)]
    with tempfile.TemporaryDirectory() as folder:
        few = [small_corpus(Path(folder) / "voices", SHORT_CLIPS)]
        return [_measured(MODEL, catalogue.load(project_root(), SHORT_PROFILE), few, 1)]


def extract(model: str, params: Params, folders: list[Path], target: Path, workers: int) -> None:
    """One extraction of a model's features, told to nobody."""
    catalogue.spec(model).extract_features(
        params.models[model],
        Extraction(
            corpora=folders,
            target=target,
            audio=params.audio,
            data=params.data,
            seed=params.seed,
            workers=workers,
            progress=Progress("benchmark", stream=io.StringIO()),
        ),
        Auxiliaries(project_root() / "pretrained", params.auxiliaries),
    )


def small_corpus(folder: Path, clips: int) -> Path:
    """A corpus of made-up recordings of one voice: gliding pulses, a second each."""
    rate, rows, timings = 22050, [], {}
    (folder / "wav").mkdir(parents=True)
    t = np.arange(rate) / rate
    for number in range(clips):
        phase = 2 * np.pi * np.cumsum(120.0 + 10 * number + 20 * np.sin(6 * t)) / rate
        path, name = folder / "wav" / f"{number}.wav", f"u{number}"
        soundfile.write(path, 0.1 * sum(np.sin(k * phase) / k for k in range(1, 12)), rate, subtype="PCM_16")
        rows.append(
            Utterance(
                utterance_id=name,
                speaker_id="voice",
                language="ko",
                text="가",
                path=f"wav/{number}.wav",
                duration_s=1.0,
                sample_rate=rate,
                split="train",
                role="model",
                consent="c",
                licence="CC0-1.0",
                sha256=sha256_path(path),
            )
        )
        timings[name] = (PhonemeTiming(utterance_id=name, symbol="a", start_s=0.0, end_s=1.0),)
    consent = ConsentRecord.of_synthetic("c", "voice")
    write_manifest(folder / "manifest.csv", rows)
    (folder / "alignments.csv").write_text(timings_text(timings), encoding="utf-8")
    (folder / "consent.csv").write_text(consent_text({"c": consent}), encoding="utf-8")
    return folder


def _recorded(params: Params, data: Path) -> list[Path]:
    return [corpus.folder for corpus in corpora(data, params.data.corpora)]


def _measured(model: str, params: Params, folders: list[Path], repeats: int) -> Row:
    with tempfile.TemporaryDirectory() as scratch:
        targets = {workers: Path(scratch) / f"{workers}" for workers in (1, WORKERS)}

        def timed(workers: int) -> Callable[[], float]:
            shutil.rmtree(targets[workers], ignore_errors=True)  # an unchanged store would be copied
            return partial(extract, model, params, folders, targets[workers], workers)

        mine, theirs = in_turns(
            lambda: seconds(timed(WORKERS), time.perf_counter),
            lambda: seconds(timed(1), time.perf_counter),
            repeats,
        )
        if sha256_path(targets[1]) != sha256_path(targets[WORKERS]):
            raise SystemExit(f"{WORKERS} workers wrote other features than one: the ratio means nothing")
    empty = unmeasured(
        "6",
        f"features of {model}, {WORKERS} workers",
        GOAL,
        "one process, one thread",
        f"{WORKERS}.0x: cores",
    )
    return row(empty, mine, theirs)


if __name__ == "__main__":
    sys.exit(main())
