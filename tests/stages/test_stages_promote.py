"""Stages gate and promote and the tool rollback, on a real MLflow (SQLite), with fixture evidence."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from fixture_evidence import NOW, evidence, laptop_params
from heard_elsewhere import heard_elsewhere
from registry_store import RegistryStore, delivered

from components.core.errors import BadInputError, ConfigError, CorruptFileError
from components.core.metrics import Evidence
from components.core.paths import Workspace
from components.core.progress import Progress
from components.core.storage import write_json
from components.promotion.ledger import Ledger
from components.promotion.succession import Author
from components.stages import deliverable, gate, promote, services
from components.stages.contract import Outcome, Record, StageContext
from components.stages.rollback import rollback

PARAMS = laptop_params()


@dataclasses.dataclass(frozen=True)
class Cycle:
    """Retraining cycles of one workspace from the gate on; training and evaluation are fixtures."""

    workspace: Workspace
    store: RegistryStore

    def context(self, stage: str, found: Evidence, gated: Outcome | None = None) -> StageContext:
        root = self.workspace.root
        delivered(root / "training" / "delivered", found.run_id.encode())
        write_json(root / "evaluation" / "evidence.json", found.model_dump(mode="json"))
        upstream = {
            "train": self._record(
                "train",
                {"delivered": "training/delivered"},
                {"run_id": found.run_id, "checkpoint_sha256": found.checkpoint_sha256},
            ),
            "evaluate": self._record("evaluate", {"evidence": "evaluation/evidence.json"}, {}),
        }
        if gated:
            decision = gated.outputs["decision"].relative_to(root).as_posix()
            upstream["gate"] = self._record("gate", {"decision": decision}, dict(gated.summary))
        return StageContext(
            stage=stage,
            model="fastpitch",
            profile="laptop",
            params=PARAMS,
            workspace=self.workspace,
            project=root,
            git_sha="0" * 40,
            params_sha="1" * 64,
            data_md5=found.data_md5,
            progress=Progress("test"),
            upstream=upstream,
        )

    def gate(self, found: Evidence) -> Outcome:
        return gate.run(self.context("gate", found))

    def both(self, found: Evidence) -> Outcome:
        return promote.run(self.context("promote", found, self.gate(found)))

    def champion(self) -> str | None:
        found = self.store.registry().by_alias("fastpitch", "champion_laptop")
        return found.version if found else None

    @staticmethod
    def _record(stage: str, outputs: dict[str, str], summary: dict[str, Any]) -> Record:
        return Record(
            stage=stage,
            model="fastpitch",
            key="",
            state="done",
            profile="laptop",
            git_sha="",
            data_md5="",
            params_sha="",
            started="",
            seconds=0.0,
            device="",
            inputs={},
            outputs={name: {"path": path} for name, path in outputs.items()},
            summary=summary,
        )


@pytest.fixture
def cycle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cycle:
    author = Author("tester", "0" * 40, NOW)
    monkeypatch.setattr(Author, "here", classmethod(lambda cls, git_sha: author))
    heard_elsewhere(monkeypatch)
    store = RegistryStore.in_folder(tmp_path)
    return Cycle(Workspace.embedded(tmp_path), store)


def test_three_cycles_and_a_rollback(cycle: Cycle) -> None:
    first = cycle.both(evidence(run_id=cycle.store.run(), similarity=0.88))
    assert first.summary["alias"] == "champion_laptop"
    second = cycle.both(evidence(run_id=cycle.store.run(), similarity=0.92))
    assert (second.summary["version"], second.summary["previous"]) == ("2", "1")
    third = cycle.both(evidence(run_id=cycle.store.run(), similarity=0.80))
    assert third.summary["state"] == "refused"
    assert third.summary["alias"] is None
    assert "short by 0.05" in str(third.summary["refusal"])
    assert cycle.champion() == "2"
    said = rollback(PARAMS, cycle.workspace, "fastpitch", "clicks in Japanese")
    assert said == "fastpitch, laptop: champion is v1 again, v2 is out (clicks in Japanese)"
    assert cycle.champion() == "1"
    closing = [row.action for row in Ledger(cycle.workspace.ledger).rows() if row.state == "done"]
    assert closing == ["promote", "promote", "refuse", "rollback"]


def test_every_candidate_becomes_a_version_and_its_run_carries_targets_and_verdict(cycle: Cycle) -> None:
    found = evidence(run_id=cycle.store.run(model="fastpitch"), similarity=0.80)
    outcome = cycle.gate(found)
    assert outcome.summary["verdict"] == "FAIL"
    assert any("speaker_similarity 0.8" in reason for reason in outcome.summary["reasons"])
    registry = services.registry_of(PARAMS.platform.mlflow, cycle.workspace)
    version = registry.by_version("fastpitch", str(outcome.summary["version"]))
    assert version.tags["verdict"] == "FAIL"
    assert registry.evidence_of(version) == found
    assert cycle.champion() is None
    (run,) = services.tracker_of(PARAMS.platform.mlflow, cycle.workspace).runs("fastpitch", 5)
    assert run.tags["kpi.speaker_similarity.target"] == "0.85"
    assert run.tags["kpi.speaker_similarity.verdict"] == "FAIL"
    assert run.tags["kpi.latency_p95_ms.verdict"] == "PASS"
    assert run.tags["verdict"] == "FAIL"
    decision = json.loads(outcome.outputs["decision"].read_text("utf-8"))
    assert decision["verdict"] == "FAIL"


def test_without_pronunciation_the_verdict_is_inconclusive_and_the_stage_succeeds(cycle: Cycle) -> None:
    found = evidence(run_id=cycle.store.run())
    outcome = cycle.gate(found.model_copy(update={"metrics": found.metrics[1:]}))
    assert outcome.summary["verdict"] == "INCONCLUSIVE"
    assert "pronunciation_accuracy: not measured (no record in the evidence)" in outcome.summary["reasons"]


def test_the_gate_is_skipped_until_another_champion_stands_against_the_candidate(cycle: Cycle) -> None:
    found = evidence(run_id=cycle.store.run(), similarity=0.88)
    fresh = gate.fingerprint(cycle.context("gate", found))
    cycle.both(found)
    assert gate.fingerprint(cycle.context("gate", found)) == fresh
    cycle.both(evidence(run_id=cycle.store.run(), similarity=0.92))
    assert gate.fingerprint(cycle.context("gate", found)) == {"champion": "2"}


def test_judging_the_champion_again_compares_it_with_the_one_before(cycle: Cycle) -> None:
    cycle.both(evidence(run_id=cycle.store.run(), similarity=0.88))
    second = evidence(run_id=cycle.store.run(), similarity=0.92)
    cycle.both(second)
    decision = json.loads(cycle.gate(second).outputs["decision"].read_text("utf-8"))
    assert decision["champion_version"] == "1"
    assert cycle.both(second).summary["state"] == "already_champion"


def test_half_an_evidence_file_is_named(cycle: Cycle) -> None:
    context = cycle.context("gate", evidence(run_id=cycle.store.run()))
    path = context.input("evaluate", "evidence")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(CorruptFileError, match=r"evidence\.json"):
        gate.run(context)


def test_rollback_refuses_what_it_cannot_do(cycle: Cycle) -> None:
    with pytest.raises(ConfigError, match="tacotron"):
        rollback(PARAMS, cycle.workspace, "tacotron", "why not")
    with pytest.raises(BadInputError, match="no champion"):
        rollback(PARAMS, cycle.workspace, "fastpitch", "why not")
    assert not cycle.workspace.ledger.exists()


def test_what_does_not_work_elsewhere_does_not_become_champion(
    cycle: Cycle, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "says 1 of 4 sentences otherwise than evaluated: ko_07: spectra agree to 3.1 dB"
    heard_elsewhere(monkeypatch, "FAIL", said)
    outcome = cycle.both(evidence(run_id=cycle.store.run(), similarity=0.88))
    assert (outcome.summary["state"], cycle.champion()) == ("refused", None)
    assert outcome.summary["refusal"] == f"delivery: {said}"
    (row,) = Ledger(cycle.workspace.ledger).rows()
    assert (row.action, row.reason) == ("refuse", f"delivery: {said}")


def test_weights_of_a_withdrawn_speaker_do_not_become_champion(
    cycle: Cycle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliverable, "ended", lambda *_: ["minji: c1 was withdrawn on 2026-11-28"])
    outcome = cycle.both(evidence(run_id=cycle.store.run(), similarity=0.88))
    assert (outcome.summary["state"], cycle.champion()) == ("refused", None)
    assert outcome.summary["refusal"] == "consent: minji: c1 was withdrawn on 2026-11-28"


def test_an_evaluation_without_samples_is_no_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    author = Author("tester", "0" * 40, NOW)
    monkeypatch.setattr(Author, "here", classmethod(lambda cls, git_sha: author))
    unheard = Cycle(Workspace.embedded(tmp_path), RegistryStore.in_folder(tmp_path))
    monkeypatch.setattr(deliverable, "profile_params", lambda *_: PARAMS)
    outcome = unheard.both(evidence(run_id=unheard.store.run(), similarity=0.88))
    assert outcome.summary["state"] == "refused"
    assert "no samples of its evaluation" in str(outcome.summary["refusal"])
