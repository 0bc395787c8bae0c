"""Stages gate and promote and the tool rollback, on a real MLflow (SQLite), with fixture evidence."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from fixture_evidence import GE2E, NOW, VERIFIER, altered, evidence, laptop_params, metric, spread, summed
from heard_elsewhere import heard_elsewhere
from registry_store import CONSENT, RegistryStore, delivered

from components.core.errors import BadInputError, ConfigError, CorruptFileError
from components.core.metrics import Decision, Evidence
from components.core.params import Params
from components.core.params.platform import ApprovalParams
from components.core.paths import Workspace
from components.core.progress import Progress
from components.core.storage import sha256_path, write_json, write_text
from components.data.consent import CONSENT_NAME, ConsentRecord, consent_text
from components.promotion.ledger import Ledger
from components.promotion.succession import Author
from components.reporting.korean import reason_korean
from components.stages import deliverable, gate, promote, safeguards, services
from components.stages.approve import approve
from components.stages.contract import Outcome, Record, StageContext
from components.stages.rollback import rollback

PARAMS = laptop_params()


@dataclasses.dataclass(frozen=True)
class Cycle:
    """Retraining cycles of one workspace from the gate on; training and evaluation are fixtures."""

    workspace: Workspace
    store: RegistryStore

    def context(
        self, stage: str, found: Evidence, gated: Outcome | None = None, params: Params = PARAMS
    ) -> StageContext:
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
            params=params,
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

    def _record(self, stage: str, outputs: dict[str, str], summary: dict[str, Any]) -> Record:
        hashed = {name: (path, sha256_path(self.workspace.root / path)) for name, path in outputs.items()}
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
            outputs={name: {"path": path, "sha256": sha} for name, (path, sha) in hashed.items()},
            summary=summary,
        )


@pytest.fixture
def cycle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cycle:
    author = Author("tester", "0" * 40, NOW)
    monkeypatch.setattr(Author, "here", classmethod(lambda cls, git_sha: author))
    heard_elsewhere(monkeypatch)
    store = RegistryStore.in_folder(tmp_path)
    cycle = Cycle(Workspace.embedded(tmp_path), store)
    consent(cycle, CONSENT)
    return cycle


def consent(cycle: Cycle, record: ConsentRecord) -> None:
    """The register as it stands from now on."""
    path = cycle.workspace.data / PARAMS.data.corpora[0] / CONSENT_NAME
    write_text(path, consent_text({record.consent_id: record}))


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
        gate.read_evidence(path)


def test_rollback_refuses_what_it_cannot_do(cycle: Cycle) -> None:
    with pytest.raises(ConfigError, match="tacotron"):
        rollback(PARAMS, cycle.workspace, "tacotron", "why not")
    with pytest.raises(BadInputError, match="no champion"):
        rollback(PARAMS, cycle.workspace, "fastpitch", "why not")
    assert not cycle.workspace.ledger.exists()


def rewritten(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_a_tampered_record_is_neither_judged_nor_promoted(cycle: Cycle) -> None:
    """Written into after evaluate, after the gate, and together with its interval before either."""
    found = evidence(run_id=cycle.store.run(), similarity=0.80)
    context = cycle.context("gate", found)
    rewritten(context.input("evaluate", "evidence"), "0.8,", "0.9,")
    with pytest.raises(CorruptFileError, match="as stage evaluate left it"):
        gate.run(context)

    gated = cycle.gate(found)
    context = cycle.context("promote", found, gated)
    rewritten(context.input("gate", "decision"), "FAIL", "PASS")
    with pytest.raises(CorruptFileError, match="as stage gate left it"):
        promote.run(context)

    figure = altered(found, "speaker_similarity", value=0.9, low=0.9, high=0.9)
    outcome = cycle.both(figure)
    assert outcome.summary["state"] == "refused"
    assert "its sentences give 0.8, the record says 0.9" in str(outcome.summary["refusal"])
    assert cycle.champion() is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"evidence": "simulated"}, "simulated, only measured or certified figures count"),
        ({"evidence": "expected"}, "expected, only measured or certified figures count"),
        ({"evaluator": metric("lse_c", 1.0).evaluator}, "judged by syncnet (reference), params.yaml names"),
        (
            {"evaluator": VERIFIER.model_copy(update={"weights_sha256": "0" * 64})},
            f"the weights of {VERIFIER.id} are {'0' * 12}, params.yaml names {GE2E[:12]}",
        ),
    ],
)
def test_a_simulated_figure_and_a_swapped_evaluator_are_refused_with_the_reason(
    cycle: Cycle, changes: dict[str, Any], told: str
) -> None:
    outcome = cycle.both(altered(evidence(run_id=cycle.store.run()), "speaker_similarity", **changes))
    assert outcome.summary["state"] == "refused"
    assert told in str(outcome.summary["refusal"])
    assert cycle.champion() is None


def test_a_corpus_with_one_withdrawn_speaker_stops_promotion_and_rollback(cycle: Cycle) -> None:
    cycle.both(evidence(run_id=cycle.store.run(), similarity=0.88))
    second = evidence(run_id=cycle.store.run(), similarity=0.90)
    gated = cycle.gate(second)
    waiting = promote.fingerprint(cycle.context("promote", second, gated))
    promote.run(cycle.context("promote", second, gated))
    consent(cycle, CONSENT.model_copy(update={"withdrawn": NOW.date()}))
    assert promote.fingerprint(cycle.context("promote", second, gated)) != waiting
    outcome = cycle.both(evidence(run_id=cycle.store.run(), similarity=0.95))
    assert outcome.summary["state"] == "refused"
    assert f"voice ko_a: licence-ko_a was withdrawn on {NOW.date()}" in str(outcome.summary["refusal"])
    with pytest.raises(BadInputError, match="was withdrawn"):
        rollback(PARAMS, cycle.workspace, "fastpitch", "clicks")
    assert cycle.champion() == "2"


def test_a_voice_whose_recordings_are_not_here_is_known_by_the_register_of_the_shipped_weights(
    cycle: Cycle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    travelling = tmp_path / "shipped" / CONSENT_NAME
    monkeypatch.setattr(safeguards, "shipped", lambda project: travelling.parent)
    (cycle.workspace.data / PARAMS.data.corpora[0] / CONSENT_NAME).unlink()
    unknown = cycle.both(evidence(run_id=cycle.store.run(), similarity=0.88))
    assert "no consent licence-ko_a in the register" in str(unknown.summary["refusal"])
    write_text(travelling, consent_text({CONSENT.consent_id: CONSENT}))
    assert cycle.both(evidence(run_id=cycle.store.run(), similarity=0.88)).summary["state"] == "promoted"
    ended = CONSENT.model_copy(update={"withdrawn": NOW.date()})
    write_text(travelling, consent_text({CONSENT.consent_id: ended}))
    consent(cycle, CONSENT)  # nobody told the corpus: withdrawn in one place is withdrawn
    outcome = cycle.both(evidence(run_id=cycle.store.run(), similarity=0.92))
    assert f"licence-ko_a was withdrawn on {NOW.date()}" in str(outcome.summary["refusal"])


def test_a_pass_that_waits_for_a_person_fails_nothing_and_goes_on_when_approved(cycle: Cycle) -> None:
    platform = PARAMS.platform.model_copy(update={"approval": ApprovalParams(required=True)})
    params = PARAMS.model_copy(update={"platform": platform})
    found = evidence(run_id=cycle.store.run())
    context = cycle.context("promote", found, cycle.gate(found), params)
    before = promote.fingerprint(context)
    outcome = promote.run(context)
    assert (outcome.summary["state"], outcome.summary["alias"]) == ("awaiting_approval", None)
    assert cycle.champion() is None
    cycle.store.registry().set_version_tags("fastpitch", "1", {"promotion": "refused"})
    with pytest.raises(BadInputError, match="waits for a person"):
        approve(params, cycle.workspace, "fastpitch", "1", "박지민", "heard all 120")
    cycle.store.registry().set_version_tags("fastpitch", "1", {"promotion": "awaiting_approval"})
    said = approve(params, cycle.workspace, "fastpitch", "1", "박지민", "heard all 120")
    assert said == "fastpitch v1 is champion_laptop, approved by 박지민 (heard all 120)"
    assert cycle.champion() == "1"
    assert promote.fingerprint(context) != before  # so that the stage is not skipped
    assert promote.run(context).summary["state"] == "already_champion"
    version = cycle.store.registry().by_version("fastpitch", "1")
    assert version.tags["promotion"] == "already_champion"
    assert Ledger(cycle.workspace.ledger).rows()[0].who.startswith("박지민 (account ")


def test_what_is_open_says_how_many_sentences_would_decide_in_two_languages(cycle: Cycle) -> None:
    found = evidence(run_id=cycle.store.run())
    outcome = cycle.gate(altered(found, "speaker_similarity", **summed(spread(0.86, 0.1))))
    needed = outcome.summary["sentences_needed"]["speaker_similarity"]
    assert outcome.summary["verdict"] == "INCONCLUSIVE"
    assert any(f"about {needed} sentences would decide" in one for one in outcome.summary["reasons"])
    decision = Decision.model_validate_json(outcome.outputs["decision"].read_bytes())
    (open_,) = (one for one in decision.reasons if one.verdict == "INCONCLUSIVE")
    assert reason_korean(open_).endswith(f"문장 약 {needed}개 필요")
    version = cycle.store.registry().by_version("fastpitch", "1")
    assert version.tags["kpi.speaker_similarity.sentences_needed"] == str(needed)


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


def test_an_evaluation_without_samples_is_no_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    author = Author("tester", "0" * 40, NOW)
    monkeypatch.setattr(Author, "here", classmethod(lambda cls, git_sha: author))
    unheard = Cycle(Workspace.embedded(tmp_path), RegistryStore.in_folder(tmp_path))
    monkeypatch.setattr(deliverable, "profile_params", lambda *_: PARAMS)
    outcome = unheard.both(evidence(run_id=unheard.store.run(), similarity=0.88))
    assert outcome.summary["state"] == "refused"
    assert "no samples of its evaluation" in str(outcome.summary["refusal"])
