"""What a corpus goes through, step by step, on as many made-up utterances as are asked for."""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from components import catalogue
from components.core.paths import project_root
from components.core.progress import Progress
from components.core.utterance import Utterance
from components.data.consent import ConsentRecord
from components.data.corpus import Corpus
from components.data.ingest import Ingest
from components.data.manifest import MANIFEST_NAME, read_manifest, write_manifest
from components.data.source import RawRow, Source
from components.data.tree_md5 import tree_md5
from components.features.scratch import Features
from components.features.store import FeatureStore, StoredUtterance
from components.features.store_writer import write_store
from components.validation.checks import checks
from components.validation.corpus_frame import corpus_frame
from components.validation.expectations import evaluate
from components.validation.report import result_record

Work = Callable[[], object]
_RATE, _SECONDS = 16_000, 0.55
_OF_A_SPEAKER = 10
_FRAMES, _SYMBOLS, _BANDS = 50, 6, 80
_TODAY = datetime.date(2026, 1, 1)


@dataclass(frozen=True)
class Step:
    """A step of the pipeline over utterances.

    Attributes:
        name, told: short, and in words.
        sizes: numbers of utterances that are timed.
        prepare: an empty folder and a number of utterances → the work that is timed.
        limit: why it cannot cost less than linearly.
        counted: the same without other people's code, where that is dear to import; None: all of it.
    """

    name: str
    told: str
    sizes: tuple[int, ...]
    prepare: Callable[[Path, int], Work]
    limit: str = "each utterance is looked at"
    counted: Callable[[Path, int], Work] | None = None


def _ingest(folder: Path, count: int) -> Work:
    """Recordings judged one by one, copied, and the corpus swapped in."""
    source = _source(folder / "source", count)
    return lambda: _writer(folder).take(source, "corpus")


def _again(folder: Path, count: int) -> Work:
    """The same recordings once more: nothing changes."""
    source = _source(folder / "source", count)
    _writer(folder).take(source, "corpus")
    return lambda: _writer(folder).take(source, "corpus")


def _manifest(folder: Path, count: int) -> Work:
    rows = [_utterance(number) for number in range(count)]

    def work() -> None:
        write_manifest(folder / MANIFEST_NAME, rows)
        read_manifest(folder / MANIFEST_NAME)

    return work


def _hashes(folder: Path, count: int) -> Work:
    for number in range(count):
        path = folder / "corpus" / "wav" / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(number.to_bytes(8, "little") * 1024)
    return lambda: tree_md5(folder, ["corpus"])


def _frame(folder: Path, count: int) -> Callable[[], pd.DataFrame]:
    """The table that validation looks at."""
    _writer(folder).take(_source(folder / "source", count), "corpus")
    limits = catalogue.load(project_root(), "ci").data.validation
    corpus = Corpus(folder / "data" / "corpus")
    return lambda: corpus_frame([corpus], limits.silence_dbfs, _TODAY, 1, _quiet())


def _validate(folder: Path, count: int) -> Work:
    framed = _frame(folder, count)
    limits = catalogue.load(project_root(), "ci").data.validation

    def work() -> None:
        frame = framed()
        findings = evaluate(frame, checks(limits), folder / "docs", "none")
        result_record(frame, findings, "none")

    return work


def _store(folder: Path, count: int) -> Work:
    """Features that are there already become a store, which is read again."""
    rows = [
        StoredUtterance(f"u{n:07d}", "corpus", _speaker(n), "ko", "train", "글", "c1", f"f{n}")
        for n in range(count)
    ]
    made = _features()

    def work() -> None:
        write_store(folder / "store", rows, lambda row: made, {}, {})
        store = FeatureStore(folder / "store")
        sum(len(store[row.utterance_id].mel) for row in rows)

    return work


STEPS = (
    Step("ingest", "ingest of new recordings", (100, 300, 1000, 3000), _ingest),
    Step("again", "ingest of the same recordings", (100, 300, 1000, 3000), _again),
    Step("manifest", "manifest written and read", (100, 1000, 10_000, 100_000), _manifest),
    Step("hashes", "data version by its files", (100, 1000, 10_000), _hashes),
    Step("validate", "validation of recordings", (100, 300, 1000, 3000), _validate, counted=_frame),
    Step("store", "feature store written and read", (100, 1000, 10_000), _store),
)


def _writer(folder: Path) -> Ingest:
    params = catalogue.load(project_root(), "ci")
    return Ingest(folder / "data", folder / "locks", params.data, params.seed, _TODAY, _quiet())


def _quiet() -> Progress:
    return Progress("scaling", stream=io.StringIO())


def _speaker(number: int) -> str:
    return f"s{number // _OF_A_SPEAKER:06d}"


def _source(folder: Path, count: int) -> Source:
    folder.mkdir(parents=True)
    time_s = np.arange(round(_SECONDS * _RATE)) / _RATE
    rows, consents = [], {}
    for number in range(count):
        name, speaker = f"u{number:07d}", _speaker(number)
        # Another pitch and other first samples each: no two recordings are the same.
        samples = 0.3 * np.sin(2 * np.pi * (120.0 + number % 400) * time_s)
        samples[:3] = np.array([number % 100, number // 100 % 100, number // 10_000]) / 200.0
        soundfile.write(folder / f"{name}.wav", samples, _RATE, subtype="PCM_16")
        rows.append(_raw(number, name, speaker))
        consents[f"c-{speaker}"] = _consent(speaker)
    return Source(name="scaling", folder=folder, rows=tuple(rows), consents=consents)


def _raw(number: int, name: str, speaker: str) -> RawRow:
    return RawRow(
        number=number + 2,
        utterance_id=name,
        speaker_id=speaker,
        language="ko",
        text=_text(number),
        audio=f"{name}.wav",
        role="model",
        licence="CC0-1.0",
        consent=f"c-{speaker}",
    )


def _text(number: int) -> str:
    return "".join("가나다라마바사아자차"[int(digit)] for digit in f"{number:07d}")


def _consent(speaker: str) -> ConsentRecord:
    return ConsentRecord.of_synthetic(f"c-{speaker}", speaker)


def _utterance(number: int) -> Utterance:
    return Utterance(
        utterance_id=f"u{number:07d}",
        speaker_id=_speaker(number),
        language="ko",
        text=_text(number),
        path=f"wav/{_speaker(number)}/u{number:07d}.wav",
        duration_s=_SECONDS,
        sample_rate=_RATE,
        split="train",
        role="model",
        consent=f"c-{_speaker(number)}",
        licence="CC0-1.0",
        sha256=f"{number:064x}",
    )


def _features() -> Features:
    return {
        "mel": np.zeros((_FRAMES, _BANDS), np.float32),
        "f0": np.linspace(100.0, 120.0, _FRAMES, dtype=np.float32),
        "energy": np.zeros(_FRAMES, np.float32),
        "symbols": np.array(["a", "n"] * (_SYMBOLS // 2)),
        "true_durations": np.full(_SYMBOLS, -1, np.int32),
    }
