"""The evaluate stage of a voice converter: real voices, sources and verifier; model and tracker are fakes."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import soundfile
from espeak_converter import EspeakConverter
from espeak_voices import VOICES, recorded
from few_sentences import COUNT, few_sentences

from components import inference
from components.core.metrics import Evidence
from components.core.paths import Workspace, project_root
from components.core.progress import Progress
from components.core.stage_graph import stage
from components.stages import evaluate, services
from components.stages.contract import Outcome, Record, StageContext


@dataclass
class QuietRun:
    """A tracked run that keeps its points."""

    run_id: str = "run-1"
    points: dict[str, float] = field(default_factory=dict)

    def open_run(self, run_id: str) -> QuietRun:
        return self

    def log_points(self, points: Any) -> None:
        self.points |= {point.key: point.value for point in points}

    def set_tags(self, tags: Any) -> None:
        pass

    def log_file(self, path: Path, folder: str) -> None:
        pass

    def log_folder(self, path: Path, folder: str) -> None:
        pass

    def log_dataset(self, name: str, source: str, md5: str, context: str) -> None:
        pass

    def finish(self, status: str) -> None:
        pass


def context_in(root: Path) -> StageContext:
    workspace = Workspace.embedded(root / "workspace")
    recorded(workspace.data / "espeak", per_voice=14).write()
    train = Record(
        stage="train", model="rvc", key="", state="done", profile="ci", git_sha="",
        data_md5="d", params_sha="", started="", seconds=1.0, device="cpu", inputs={},
        outputs={"delivered": {"path": "training/rvc/delivered", "sha256": "0" * 64}},
        summary={"run_id": "run-1", "checkpoint_sha256": "c" * 64},
    )  # fmt: skip
    return StageContext(
        stage="evaluate",
        model="rvc",
        profile="ci",
        params=few_sentences(root).restricted_to(stage("evaluate").sections, "rvc"),
        workspace=workspace,
        project=project_root(),
        git_sha="abc",
        params_sha="p",
        data_md5="d",
        progress=Progress("t", StringIO()),
        upstream={"train": train},
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[StageContext, Outcome, QuietRun]:
    context, run = context_in(tmp_path_factory.mktemp("converter")), QuietRun()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inference, "load_converter", lambda *_: EspeakConverter())
        patch.setattr(services, "tracker", lambda _: run)
        return context, evaluate.run(context), run


def test_a_converter_goes_into_the_same_records(done: tuple[StageContext, Outcome, QuietRun]) -> None:
    _, outcome, run = done
    evidence = Evidence.model_validate_json(outcome.outputs["evidence"].read_bytes())
    similar = evidence.metric("speaker_similarity")
    assert similar is not None
    assert similar.n == COUNT
    assert similar.ceiling is not None
    for name in (
        "source_similarity_before",
        "source_similarity_after",
        "f0_correlation",
        "stream_delay_p95_ms",
    ):
        metric = evidence.metric(name)
        assert metric is not None, name
        assert run.points[name] == metric.value == outcome.summary[name]
        assert run.points[f"{name}_low"] <= metric.value
    assert "no recogniser" in evidence.reason_missing("control_error_rate")
    assert "role human" in evidence.reason_missing("similarity_to_human")


def test_every_row_plays_source_conversion_and_target(done: tuple[StageContext, Outcome, QuietRun]) -> None:
    context, outcome, _ = done
    folder = outcome.outputs["samples"]
    with (folder / "index.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == COUNT
    assert {row["source_voice"] for row in rows} == {"espeak_nguyen", "espeak_sandro"}
    assert {row["speaker"] for row in rows} == set(VOICES)
    for row in rows:
        source, made = soundfile.info(folder / row["source"]), soundfile.info(folder / row["path"])
        assert source.frames == made.frames
        assert (folder / row["reference"]).is_file()
        assert -1.0 <= float(row["source_similarity"]) <= 1.0
    assert list((context.workspace.root / "conversion-sources").glob("*.wav"))
    with outcome.outputs["sentences"].open(encoding="utf-8", newline="") as stream:
        table = list(csv.DictReader(stream))
    assert all(row["source_similarity_before"] > row["source_similarity_after"] for row in table)
