"""A small finished workspace on disk, as the stages leave it: outputs, records, a tracker in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fakes.report_inputs import (
    DEVICE,
    MD5,
    PROJECT,
    RUN,
    STAMP,
    decision,
    evidence,
    run_summary,
    write_samples,
)

from components.core.errors import BadInputError
from components.core.metrics import Decision, Evidence
from components.core.paths import Workspace
from components.core.ports import MetricPoint, ModelVersion, RunSummary
from components.core.storage import sha256_path, write_json, write_text
from components.stages.contract import Record
from components.stages.records import hashed_outputs, write_record
from components.stages.runner import Request

REJECTED = """corpus,row,utterance_id,audio,reason,expected,found
espeak,7,ko_0007,ko_0007.wav,clipped,peaks below 0.99,0.999
espeak,9,ko_0009,ko_0009.wav,too long,at most 12 s,31.0 s
espeak,11,ko_0011,ko_0011.wav,clipped,peaks below 0.99,1.0
"""


@dataclass
class FakeTracker:
    """A tracker that only remembers."""

    known: list[RunSummary] = field(default_factory=lambda: [run_summary()])

    def runs(self, model: str | None, limit: int) -> list[RunSummary]:
        return self.known[:limit]

    bills: dict[str, tuple[list[MetricPoint], dict[str, str]]] = field(default_factory=dict)

    def annotate(self, run_id: str, points: list[MetricPoint], tags: dict[str, str]) -> None:
        self.bills[run_id] = (points, tags)

    def curves(self, run_id: str) -> dict[str, list[MetricPoint]]:
        return {"train/total": [MetricPoint("train/total", 3.0 - s / 10, s, s) for s in range(5)]}


@dataclass
class FakeRegistry:
    """A registry whose versions all carry the same evidence, or which has none at all."""

    found: Evidence | None = None
    empty: bool = False

    def by_version(self, model: str, version: str) -> ModelVersion:
        if self.empty:
            raise BadInputError(who=version, expected="a version", found="none", action="look at MLflow")
        return ModelVersion(model, version, "0" * 32, "", {})

    def evidence_of(self, version: ModelVersion) -> Evidence | None:
        return self.found


def request(workspace: Workspace, **changes: Any) -> Request:
    """A report of the laptop profile."""
    return Request(
        stage="report", model=None, profile="laptop", workspace=workspace, project=PROJECT, **changes
    )


def keep_decision(workspace: Workspace, verdict: Decision) -> None:
    """What gate leaves for FastPitch."""
    path = workspace.decisions / "fastpitch.json"
    write_json(path, verdict.model_dump(mode="json"))
    _record(workspace, "gate", "fastpitch", {"decision": path}, {"verdict": verdict.verdict, "version": "2"})


def finished_workspace(root: Path) -> Workspace:
    """Everything that stands before the report after FastPitch ran once and was not promoted."""
    workspace = Workspace.embedded(root)
    rejected, docs = workspace.root / "ingest" / "rejected.csv", workspace.validation / "data_docs"
    write_text(rejected, REJECTED)
    write_text(docs / "index.html", "<p>Data Docs</p>")
    found = workspace.evaluation / "fastpitch" / "evidence.json"
    write_json(found, evidence().model_dump(mode="json"))
    samples = write_samples(workspace.evaluation / "fastpitch" / "samples", 4)
    counts = {"rows": 3000, "accepted": 2997, "rejected": 3}
    _record(workspace, "ingest", None, {"rejected": rejected}, {"sources": {"espeak": counts}})
    version = {"md5": MD5, "files": 3200, "size_bytes": 180_000_000, "address": "file:///remote"}
    _record(workspace, "version", None, {}, version)
    _record(workspace, "validate", None, {"data_docs": docs}, {"expectations": 14, "failed": 0})
    _record(workspace, "train", "fastpitch", {}, {"run_id": RUN, "steps": 250})
    _record(workspace, "evaluate", "fastpitch", {"evidence": found, "samples": samples}, {})
    keep_decision(workspace, decision())
    judged = {"gate.decision": sha256_path(workspace.decisions / "fastpitch.json")}
    _record(
        workspace, "promote", "fastpitch", {}, {"verdict": "INCONCLUSIVE"}, state="refused", inputs=judged
    )
    return workspace


def _record(
    workspace: Workspace,
    stage: str,
    model: str | None,
    outputs: Mapping[str, Path],
    summary: Mapping[str, Any],
    state: str = "done",
    inputs: Mapping[str, str] | None = None,
) -> None:
    record = Record(
        stage=stage,
        model=model,
        key="k",
        state=state,
        profile="laptop",
        git_sha="abc123",
        data_md5=MD5,
        params_sha="1" * 64,
        started=STAMP.isoformat(),
        seconds=2.0,
        device=DEVICE,
        inputs=inputs or {},
        outputs=hashed_outputs(workspace.root, outputs, stage),
        summary=summary,
    )
    write_record(workspace, record)
