"""The drift stage on real recordings: profiles are kept, earlier versions told or restored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fakes.report_workspace import PROJECT
from fixture_evidence import evidence
from tone_corpus import ToneCorpus, tone

from components.core.metrics import Evidence
from components.core.params.review import DriftParams
from components.core.paths import Workspace
from components.core.ports import ModelVersion
from components.evaluation.data_profile import signal_to_noise_db
from components.reporting.reading import read_drift
from components.stages import drift, services
from components.stages.contract import Record
from components.stages.records import write_record
from components.stages.runner import Request, context_of, run_stage

LOW, HIGH = "1" * 32 + ".dir", "2" * 32 + ".dir"


class Registry:
    """FastPitch's champion was evaluated on the data of ``md5``; no other model has one."""

    def __init__(self, md5: str) -> None:
        self.md5 = md5

    def by_alias(self, model: str, alias: str) -> ModelVersion | None:
        return ModelVersion(model, "7", "run", "", {}) if model == "fastpitch" else None

    def evidence_of(self, version: ModelVersion) -> Evidence:
        return evidence(data_md5=self.md5)


def corpus(workspace: Workspace, md5: str, hz: float) -> None:
    """A corpus of 12 tones around ``hz`` and the records of what stands before drift."""
    folder = workspace.data / "espeak"
    tones = ToneCorpus(folder)
    for number in range(12):
        tones.add(f"ko_{number:04d}", tone(0.6 + 0.01 * number, hz=hz + number))
    tones.write()
    for stage in ("ingest", "version", "validate"):
        summary = {"md5": md5, "size_bytes": 1} if stage == "version" else {}
        when = "2026-11-23T12:00:00+09:00"
        outputs = {"it": {"path": "it", "sha256": md5}}
        record = Record(stage, None, "k", "done", "ci", "0", md5, "1", when, 1.0, "cpu", {}, outputs, summary)
        write_record(workspace, record)


def request(workspace: Workspace, force: bool = False) -> Request:
    return Request("drift", None, "ci", workspace, PROJECT, force)


def fastpitch(workspace: Workspace) -> Any:
    found = read_drift(workspace.root / "drift" / "drift.json")
    assert {one.model for one in found if one.reason.startswith("no champion")} == {
        one.model for one in found
    } - {"fastpitch"}
    return next(one for one in found if one.model == "fastpitch")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setattr(services, "registry", lambda context: Registry(LOW))
    workspace = Workspace.embedded(tmp_path)
    corpus(workspace, LOW, 150.0)
    return workspace


def test_other_voices_are_drift_and_the_champions_own_data_are_none(workspace: Workspace) -> None:
    run_stage(request(workspace))
    assert {shift.verdict for shift in fastpitch(workspace).shifts} == {"same"}
    corpus(workspace, HIGH, 260.0)
    assert run_stage(request(workspace)).state == "done"
    moved = {shift.name: shift for shift in fastpitch(workspace).shifts}
    assert moved["f0_hz"].verdict == "drifted"
    assert abs(float(moved["f0_hz"].before) - 155) < 5
    assert abs(float(moved["f0_hz"].after) - 265) < 5
    assert moved["languages"].verdict == "same"
    assert run_stage(request(workspace)).state == "skipped"


def test_an_earlier_version_is_restored_once_or_the_reason_is_told(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus(workspace, HIGH, 260.0)
    run_stage(request(workspace))
    assert "unknown size" in fastpitch(workspace).reason
    pointer = workspace.root / "data-versions" / f"{LOW}.dvc"
    pointer.parent.mkdir()
    pointer.write_text(f"outs:\n- md5: {LOW}\n  size: 1000\n", encoding="utf-8")

    def restore(params: Any, place: Workspace, *, run_id: None, md5: str, target: Path) -> None:
        low = ToneCorpus(target / "espeak")
        for number in range(12):
            low.add(f"ko_{number:04d}", tone(0.6, hz=150.0 + number))
        low.write()

    monkeypatch.setattr(drift, "restore", restore)
    run_stage(request(workspace, force=True))
    assert {"duration_s", "f0_hz"} <= {shift.name for shift in fastpitch(workspace).drifted}
    kept = list((workspace.root / "drift" / "profiles").glob("*.json"))
    assert {json.loads(path.read_text())["data_md5"] for path in kept} == {LOW, HIGH}
    assert not list((workspace.root / "drift").glob("restored-*"))


def test_noise_lowers_the_estimate(workspace: Workspace) -> None:
    assert isinstance(context_of(request(workspace)).params.review.drift, DriftParams)
    speech = tone(1.0)
    speech[8000:14000] *= 0.001  # a pause
    quiet = signal_to_noise_db(speech, 22050)
    assert quiet > 20
    assert signal_to_noise_db(speech + tone(1.0, hz=91.0, level=0.2), 22050) < quiet - 10
