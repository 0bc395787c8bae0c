"""A reporting period made by hand: evidence, verdict, curves, samples. Not a measurement of anything."""

from __future__ import annotations

import csv
import datetime
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import soundfile

from components import catalogue
from components.core.metrics import Decision, Evaluator, Evidence, EvidenceKind, Metric, NotMeasured, Reason
from components.core.ports import DataVersion, MetricPoint, RunSummary
from components.core.spending import Spent
from components.core.storage import sha256_json
from components.reporting.inputs import DataReport, ModelReport, ReportInputs, StageRecord
from components.reporting.reading import read_sentences

PROJECT = Path(__file__).resolve().parents[2]
RUN = "f00dfeed0123456789abcdef01234567"
MD5 = "0f1e2d3c4b5a69788796a5b4c3d2e1f0.dir"
STAMP = datetime.datetime(2026, 3, 9, 3, 40, 12, tzinfo=datetime.UTC)
DEVICE = "cpu: fixture × 2"


def metric(name: str, value: float, unit: str, evidence: EvidenceKind = "measured", **changes: Any) -> Metric:
    """One metric of the fixture run."""
    judge = Evaluator(id="resemblyzer-ge2e", version="0.1.4", weights_sha256="2" * 64, kind="reference")
    values: dict[str, Any] = {
        "name": name,
        "value": value,
        "unit": unit,
        "n": 120,
        "low": value * 0.98,
        "high": value * 1.02,
        "evidence": evidence,
        "evaluator": judge,
        "device": DEVICE,
        "dtype": "float32",
        "batch": 1,
        "data_md5": MD5,
        "git_sha": "abc123",
        "params_sha": "1" * 64,
        "run_id": RUN,
        "ceiling": None,
        "floor": None,
        "per_language": {},
        "per_sentence": {},
    }
    return Metric(**{**values, **changes})


def evidence(*metrics: Metric) -> Evidence:
    """Evidence of FastPitch; without arguments the metrics of a laptop run."""
    return Evidence(
        model="fastpitch",
        run_id=RUN,
        checkpoint_sha256="3" * 64,
        sentences_sha256="4" * 64,
        data_md5=MD5,
        created=STAMP.isoformat(),
        metrics=metrics
        or (
            metric("speaker_similarity", 0.871, "1", ceiling=0.939, floor=0.678),
            metric("latency_p95_ms", 212.4, "ms", n=64),
            metric("latency_p50_ms", 141.0, "ms", n=64),
            metric("rtf", 0.083, "1"),
        ),
        not_measured=(NotMeasured(name="pronunciation_accuracy", reason="평가기(인식기) 없음"),),
    )


def decision() -> Decision:
    """The honest verdict of a first laptop run."""

    def reason(kpi: str, verdict: Any, text: str) -> Reason:
        return Reason(
            kpi=kpi, verdict=verdict, text=text, value=None, low=None, high=None, target=None, margin=None
        )

    return Decision(
        model="fastpitch",
        scope="laptop",
        verdict="INCONCLUSIVE",
        reasons=(
            reason(
                "pronunciation_accuracy",
                "INCONCLUSIVE",
                "not measured (no recogniser configured (evaluation.recogniser.id is none))",
            ),
            reason("speaker_similarity", "PASS", "0.871 [0.854, 0.888] ≥ 0.85"),
            reason("latency_p95_ms", "PASS", "212.4 ms ≤ 500 ms"),
        ),
        run_id=RUN,
        evidence_sha256=sha256_json(evidence().model_dump(mode="json")),
        champion_version=None,
    )


def run_summary(run_id: str = RUN, **changes: Any) -> RunSummary:
    """A run as the tracking store tells it."""
    values: dict[str, Any] = {
        "run_id": run_id,
        "name": "fastpitch",
        "status": "FINISHED",
        "started": (STAMP - datetime.timedelta(minutes=6)).isoformat(),
        "ended": STAMP.isoformat(),
        "params": {"batch_size": "16"},
        "metrics": {},
        "tags": {"model": "fastpitch", "data_md5": MD5},
    }
    return RunSummary(**{**values, **changes})


def write_samples(folder: Path, count: int, seconds: float = 1.0) -> Path:
    """``count`` chirps and one reference, listed as evaluate lists them."""
    (folder / "reference").mkdir(parents=True)
    rate, rng = 22050, np.random.default_rng(0)
    times = np.arange(int(rate * seconds)) / rate
    soundfile.write(folder / "reference" / "ref.wav", 0.3 * np.sin(2 * np.pi * 180 * times), rate)
    with (folder / "index.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(
            (
                "sentence_id",
                "language",
                "text",
                "speaker",
                "path",
                "reference",
                "similarity",
                "latency_ms",
                "pronunciation",
                "said",
                "heard",
            )
        )
        for index in range(count):
            language = ("ko", "en", "ja", "zh")[index % 4]
            name = f"{language}_{index:03d}"
            pitch = 120 + 3 * index + 60 * np.sin(2 * np.pi * 2 * times)
            sound = sum(np.sin(2 * np.pi * k * np.cumsum(pitch) / rate) / k for k in range(1, 9)) * 0.1
            soundfile.write(folder / f"{name}.wav", sound, rate)
            text = ("문장을 읽습니다.", "A sentence is read.", "文を読みます。", "我读一个句子。")[index % 4]
            scores = (
                f"{rng.uniform(0.7, 0.95):.4f}",
                f"{rng.uniform(90, 300):.2f}",
                f"{rng.uniform(0.6, 1.0):.4f}",
                "k a t",
                "k a <b>",
            )
            rows.writerow(
                (name, language, text, f"espeak-{index % 4}", f"{name}.wav", "reference/ref.wav", *scores)
            )
    return folder


SPENDING = (
    Spent("validate", None, True, STAMP.isoformat(), 1, 0, 30.0, 0.0, 45.0, None),
    Spent("train", "fastpitch", True, STAMP.isoformat(), 3, 2, 9000.0, 0.0, 16200.0, 5400.0),
    Spent("evaluate", "fastpitch", False, STAMP.isoformat(), 1, 1, 12.0, None, 20.0, 60.0),
)


def report_inputs(samples: Path | None = None, **changes: Any) -> ReportInputs:
    """A period in which FastPitch ran on the laptop and the other three models did not."""
    curve = tuple(MetricPoint("train/total", 3 / (1 + s / 30) + 0.2, s, s) for s in range(0, 300, 10))
    model = ModelReport(
        name="fastpitch",
        evidence=evidence(),
        decision=decision(),
        curves={"train/total": curve, "validation/mel": curve[::3]},
        sentences=read_sentences(samples) if samples else (),
        training={"steps": 250, "run_id": RUN},
        promotion={"version": "1"},
    )
    record = SimpleNamespace(
        stage="train",
        model="fastpitch",
        state="done",
        started=STAMP.isoformat(),
        seconds=260.0,
        device=DEVICE,
        data_md5=MD5,
        git_sha="abc123",
        summary={},
    )
    inputs = ReportInputs(
        params=catalogue.load(PROJECT, "laptop"),
        base=catalogue.load(PROJECT, None),
        models=(model,),
        runs=(run_summary(),),
        data=DataReport(
            DataVersion(MD5, 3200, 180_000_000, ""),
            "file:///remote",
            {"espeak": {"rows": 3000, "accepted": 2990, "rejected": 10}},
            {"expectations": 14, "failed": 0},
            "",
        ),
        records=(cast("StageRecord", record),),
        git_sha="abc123",
        lock_sha="6" * 64,
        stamp=STAMP,
        previous=None,
        spending=SPENDING,
    )
    return replace(inputs, **changes)
