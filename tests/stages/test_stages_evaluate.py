"""The evaluate stage: real voices, the real verifier, the 120 sentences; model and tracker are fakes."""

from __future__ import annotations

import csv
import json
import shutil
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import soundfile
from espeak_voices import VOICES, EspeakSynthesiser, recorded

from components import catalogue, inference
from components.core.errors import NothingScoredError
from components.core.metrics import Evidence
from components.core.paths import Workspace, project_root
from components.core.ports import MetricPoint
from components.core.progress import Progress
from components.core.stage_graph import stage
from components.stages import evaluate, services
from components.stages.contract import Outcome, Record, StageContext

SILENT, REFUSED = "국물이 짜서 물을 더 부었다.", "Who left these muddy boots here?"


@dataclass
class RememberedRun:
    """A tracked run that keeps what it is told."""

    run_id: str = "run-1"
    points: list[MetricPoint] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    datasets: dict[str, tuple[str, str]] = field(default_factory=dict)
    status: str = ""

    def open_run(self, run_id: str) -> RememberedRun:
        assert run_id == self.run_id
        return self

    def log_points(self, points: Sequence[MetricPoint]) -> None:
        self.points += points

    def set_tags(self, tags: Mapping[str, str]) -> None:
        self.tags |= tags

    def log_file(self, path: Path, folder: str) -> None:
        self.files.append(f"{folder}/{path.name}")

    def log_dataset(self, name: str, source: str, md5: str, context: str) -> None:
        self.datasets[name] = (md5, context)

    def log_folder(self, path: Path, folder: str) -> None:
        self.files += [f"{folder}/{p.relative_to(path)}" for p in path.rglob("*") if p.is_file()]

    def finish(self, status: str) -> None:
        self.status = status


def context_in(root: Path) -> StageContext:
    """A workspace in which everything upstream of evaluate has run."""
    workspace = Workspace.embedded(root)
    params = catalogue.load(project_root(), "ci")
    recorded(workspace.data / "espeak").write()
    delivered = workspace.root / "training" / "fastpitch" / "delivered"
    delivered.mkdir(parents=True)
    train = Record(
        stage="train",
        model="fastpitch",
        key="",
        state="done",
        profile="ci",
        git_sha="abc",
        data_md5="d41d",
        params_sha="p",
        started="",
        seconds=1.0,
        device="cpu",
        inputs={},
        outputs={"delivered": {"path": "training/fastpitch/delivered", "sha256": "0" * 64}},
        summary={"run_id": "run-1", "checkpoint_sha256": "c" * 64, "steps": 7},
    )
    return StageContext(
        stage="evaluate",
        model="fastpitch",
        profile="ci",
        params=params.restricted_to(stage("evaluate").sections, "fastpitch"),
        workspace=workspace,
        project=project_root(),
        git_sha="abc",
        params_sha="p",
        data_md5="d41d",
        progress=Progress("fastpitch.evaluate", StringIO()),
        upstream={"train": train},
    )


def evaluated(context: StageContext, synthesiser: EspeakSynthesiser) -> tuple[Outcome, RememberedRun]:
    """Run the stage with a fake delivered model and a fake tracker."""
    run = RememberedRun()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inference, "load", lambda *_: synthesiser, raising=False)
        patch.setattr(services, "tracker", lambda _: run)
        return evaluate.run(context), run


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[StageContext, Outcome, RememberedRun]:
    context = context_in(tmp_path_factory.mktemp("evaluate"))
    silence = np.zeros(22050, np.float32)
    synthesiser = EspeakSynthesiser(broken={SILENT: silence}, refused=frozenset({REFUSED}))
    return context, *evaluated(context, synthesiser)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_evidence_is_complete_and_says_where_it_comes_from(
    done: tuple[StageContext, Outcome, RememberedRun],
) -> None:
    _, outcome, _ = done
    evidence = Evidence.model_validate_json(outcome.outputs["evidence"].read_bytes())
    assert {m.name for m in evidence.metrics} == {
        "speaker_similarity", "latency_p50_ms", "latency_p95_ms", "latency_ttfa_ms", "rtf",
    }  # fmt: skip
    assert {m.name for m in evidence.not_measured} == {
        "pronunciation_accuracy", "gpu_memory_allocated_gb", "gpu_memory_reserved_gb",
    }  # fmt: skip
    assert "no recogniser configured" in evidence.reason_missing("pronunciation_accuracy")
    assert (evidence.run_id, evidence.checkpoint_sha256, evidence.data_md5) == ("run-1", "c" * 64, "d41d")
    for metric in evidence.metrics:
        assert metric.device.startswith("cpu: ")
        assert (metric.git_sha, metric.params_sha, metric.dtype) == ("abc", "p", "float32")


def test_similarity_covers_all_sentences_and_stands_between_ceiling_and_floor(
    done: tuple[StageContext, Outcome, RememberedRun],
) -> None:
    _, outcome, _ = done
    evidence = Evidence.model_validate_json(outcome.outputs["evidence"].read_bytes())
    metric = evidence.metric("speaker_similarity")
    assert metric is not None
    assert metric.n == 120
    assert set(metric.per_language) == {"ko", "en", "ja", "zh"}
    assert metric.ceiling is not None
    assert metric.floor is not None
    assert metric.floor < metric.value < 1.0
    assert metric.ceiling > metric.floor + 0.1
    assert metric.per_sentence["ko_02"] == metric.per_sentence["en_03"] == 0.0
    assert len(metric.evaluator.weights_sha256) == 64


def test_failed_sentences_are_named_and_have_no_latency(
    done: tuple[StageContext, Outcome, RememberedRun],
) -> None:
    _, outcome, _ = done
    evidence = Evidence.model_validate_json(outcome.outputs["evidence"].read_bytes())
    assert set(outcome.summary["faults"]) == {"ko_02", "en_03"}
    p95 = evidence.metric("latency_p95_ms")
    assert p95 is not None
    assert not {"ko_02", "en_03"} & set(p95.per_sentence)
    rows = {row["sentence_id"]: row for row in table(outcome.outputs["sentences"])}
    assert len(rows) == 120
    assert rows["ko_02"]["fault"].startswith("silent")
    assert "DataError" in rows["en_03"]["fault"]
    assert rows["ko_01"]["fault"] == ""
    assert rows["ko_01"]["repeats"] == "5"


def test_samples_can_be_played_beside_real_recordings(
    done: tuple[StageContext, Outcome, RememberedRun],
) -> None:
    _, outcome, _ = done
    folder = outcome.outputs["samples"]
    index = table(folder / "index.csv")
    assert len(index) == 120
    assert sorted(int(row["rank"]) for row in index) == list(range(1, 121))
    assert {row["sentence_id"] for row in index if int(row["rank"]) <= 2} == {"ko_02", "en_03"}
    for row in index:
        assert row["speaker"] in VOICES
        assert (folder / row["reference"]).is_file()
        if row["sentence_id"] == "en_03":
            assert row["path"] == ""
            continue
        with soundfile.SoundFile(folder / row["path"]) as file:
            assert file.frames / file.samplerate == pytest.approx(float(row["duration_s"]), abs=1e-3)
            said = json.loads(file.comment)
        assert said["digital_source_type"].endswith("trainedAlgorithmicMedia")
        assert (said["speaker"], said["consent"], said["model_version"]) == (row["speaker"], "c1", "run-1")


def test_the_run_gets_figures_and_files_but_no_embedding(
    done: tuple[StageContext, Outcome, RememberedRun],
) -> None:
    context, outcome, run = done
    logged = {point.key: point.value for point in run.points}
    for name in ("speaker_similarity", "latency_p95_ms"):
        assert logged[name] == outcome.summary[name]
        assert f"{name}_low" in logged
    assert "speaker_similarity_ceiling" in logged
    assert not any("pronunciation" in key for key in logged)
    assert "no recogniser" in run.tags["evaluation.pronunciation_accuracy.not_measured"]
    assert {"evaluation/evidence.json", "evaluation/sentences.csv", "evaluation/samples/index.csv"} <= set(
        run.files
    )
    assert run.status == "FINISHED"
    assert run.datasets["sentences"][1] == "evaluation"
    table, evidence = (pyarrow.parquet.read_table(outcome.outputs["table"]), outcome.outputs["evidence"])
    assert f"evaluation/{outcome.outputs['table'].name}" in run.files
    found = Evidence.model_validate_json(evidence.read_bytes()).metric("speaker_similarity")
    assert found is not None
    scores = dict(zip(table["sentence_id"].to_pylist(), table["similarity"].to_pylist(), strict=True))
    assert scores == pytest.approx(found.per_sentence, abs=1e-4)
    stored = list((context.workspace.root / "speaker-embeddings").rglob("*.npy"))
    assert stored
    assert {stat.S_IMODE(path.stat().st_mode) for path in stored} == {0o600}
    assert not [name for name in run.files if name.endswith(".npy")]
    assert json.dumps(outcome.summary)  # the runner writes it as JSON


def test_a_candidate_that_says_nothing_leaves_no_evidence(
    done: tuple[StageContext, Outcome, RememberedRun], tmp_path: Path
) -> None:
    context = context_in(tmp_path)
    shutil.copytree(done[0].workspace.root / "speaker-embeddings", tmp_path / "speaker-embeddings")

    class Mute(EspeakSynthesiser):
        """Gives silence for everything."""

        def stream(self, text: str, language: str, speaker: str):  # type: ignore[no-untyped-def,override]
            yield np.zeros(8000, np.float32)

    with pytest.raises(NothingScoredError, match="speaker_similarity"):
        evaluated(context, Mute())
    assert not context.workspace.evaluation.exists()
