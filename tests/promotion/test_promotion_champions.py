"""Promotion, refusal, rollback and reconciliation on a real registry (MLflow, SQLite)."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
from fixture_evidence import NOW, evidence, laptop_params
from registry_store import CONSENT, RegistryStore

from components.core.errors import BadInputError, PromotionConflictError
from components.core.metrics import Evidence
from components.core.ports import ModelRegistry
from components.promotion.approval import approve
from components.promotion.consents import ConsentCheck
from components.promotion.gate import decide
from components.promotion.lease import Lease
from components.promotion.ledger import Ledger
from components.promotion.promote import Candidate, Promotion, Rules, promote
from components.promotion.rollback import rollback
from components.promotion.succession import Author, Succession

PARAMS = laptop_params()
RULES = Rules(PARAMS.kpi, PARAMS.evaluation, seed=7, approval_required=False, objections=lambda version: ())
AUTHOR = Author("tester", "0" * 40, NOW)


@dataclasses.dataclass(frozen=True)
class Office:
    """Everything a promotion needs, in one folder."""

    store: RegistryStore
    registry: ModelRegistry
    ledger: Ledger
    lease: Lease

    def candidate(self, **figures: float) -> Candidate:
        found = evidence(run_id=self.store.run(), **figures)
        return self.judged(found)

    def judged(self, found: Evidence) -> Candidate:
        version = self.store.candidate(found)
        champion = self.registry.by_alias("fastpitch", "champion_laptop")
        theirs = self.registry.evidence_of(champion) if champion else None
        number = champion.version if champion else None
        kpi, evaluation = PARAMS.kpi, PARAMS.evaluation
        return Candidate(
            version, found, decide("fastpitch", found, kpi, evaluation, theirs, number, NOW, seed=7)
        )

    def promote(self, candidate: Candidate, rules: Rules = RULES) -> Promotion:
        return promote(self.registry, self.ledger, self.lease, candidate, rules, AUTHOR)

    def rollback(self, reason: str = "clicks") -> str | None:
        row = rollback(
            self.registry, self.ledger, self.lease, "fastpitch", "laptop", reason, AUTHOR, lambda _: ()
        )
        return row.to_version

    def aliases(self) -> tuple[str | None, str | None]:
        found = [
            self.registry.by_alias("fastpitch", f"{a}_laptop") for a in ("champion", "previous_champion")
        ]
        return (found[0].version if found[0] else None, found[1].version if found[1] else None)

    def story(self) -> list[tuple[str, str, str | None, str | None]]:
        return [(r.action, r.state, r.from_version, r.to_version) for r in self.ledger.rows()]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    store = RegistryStore.in_folder(tmp_path)
    lease = Lease(tmp_path / "locks" / "promotion.lock", "tester", timeout_s=0.1)
    return Office(store, store.registry(), Ledger(tmp_path / "ledger.jsonl"), lease)


def test_the_life_of_a_champion(office: Office) -> None:
    first, better, worse = (office.candidate(similarity=s) for s in (0.88, 0.92, 0.80))
    assert office.promote(first).state == "promoted"
    outcome = office.promote(office.judged(better.evidence))
    assert (outcome.champion, outcome.previous) == ("2", "1")
    refused = office.promote(worse)
    assert refused.state == "refused"
    assert "speaker_similarity 0.8 " in refused.refusal
    assert "target ≥ 0.85: the value misses it, short by 0.05" in refused.refusal
    assert office.aliases() == ("2", "1")
    assert office.rollback() == "1"
    assert office.aliases() == ("1", None)
    assert office.story() == [
        ("promote", "intent", None, "1"),
        ("promote", "done", None, "1"),
        ("promote", "intent", "1", "2"),
        ("promote", "done", "1", "2"),
        ("refuse", "done", "2", "3"),
        ("rollback", "intent", "2", "1"),
        ("rollback", "done", "2", "1"),
    ]
    done = office.ledger.rows()[3]
    assert (done.who, done.run_id, done.decision) == ("tester", better.version.run_id, "PASS")
    assert done.evidence_sha256 == better.decision.evidence_sha256


def test_an_inconclusive_candidate_is_refused_with_its_reasons(office: Office) -> None:
    found = evidence(run_id=office.store.run())
    missing = found.model_copy(update={"metrics": found.metrics[1:]})
    outcome = office.promote(office.judged(missing))
    assert outcome.state == "refused"
    assert outcome.refusal == "pronunciation_accuracy: not measured (no record in the evidence)"
    assert office.aliases() == (None, None)


def test_promoting_the_champion_again_changes_nothing(office: Office) -> None:
    candidate = office.candidate()
    office.promote(candidate)
    before = office.ledger.rows()
    assert office.promote(candidate).state == "already_champion"
    assert office.ledger.rows() == before


def test_a_decision_about_other_evidence_is_refused(office: Office) -> None:
    candidate = office.candidate(similarity=0.80)
    forged = dataclasses.replace(candidate, decision=office.candidate(similarity=0.90).decision)
    with pytest.raises(BadInputError, match="run the gate"):
        office.promote(forged)
    assert office.ledger.rows() == ()


def test_a_pass_that_the_evidence_does_not_bear_out_is_refused(office: Office) -> None:
    candidate = office.candidate(similarity=0.80)
    forged = candidate.decision.model_copy(update={"verdict": "PASS"})
    assert office.promote(dataclasses.replace(candidate, decision=forged)).state == "refused"
    assert office.aliases() == (None, None)


def test_evidence_that_went_stale_since_the_decision_is_refused(office: Office) -> None:
    candidate = office.candidate()
    later = dataclasses.replace(AUTHOR, now=NOW + datetime.timedelta(days=40))
    outcome = promote(office.registry, office.ledger, office.lease, candidate, RULES, later)
    assert outcome.state == "refused"
    assert "40 days old" in outcome.refusal


def test_a_candidate_overtaken_since_its_decision_must_stand_higher(office: Office) -> None:
    slightly_worse, better = office.candidate(similarity=0.90), office.candidate(similarity=0.905)
    office.promote(better)
    outcome = office.promote(slightly_worse)
    assert outcome.state == "refused"
    assert "became champion after this decision" in outcome.refusal
    # Judged again against that champion it lies within the margin, and newer data is worth that much.
    assert office.promote(office.judged(slightly_worse.evidence)).state == "promoted"


def test_what_was_rolled_back_is_not_promoted_again(office: Office) -> None:
    office.promote(office.candidate(similarity=0.88))
    second = office.candidate(similarity=0.92)
    office.promote(second)
    office.rollback("metallic in Korean")
    outcome = office.promote(office.judged(second.evidence))
    assert outcome.state == "refused"
    assert "metallic in Korean" in outcome.refusal
    assert office.aliases() == ("1", None)


def test_rollbacks_go_back_one_champion_at_a_time(office: Office) -> None:
    for similarity in (0.88, 0.90, 0.92):
        office.promote(office.candidate(similarity=similarity))
    assert [office.rollback(), office.rollback()] == ["2", "1"]
    with pytest.raises(BadInputError, match="the first champion"):
        office.rollback()
    assert office.aliases() == ("1", None)


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_rollback_needs_a_reason(office: Office, reason: str) -> None:
    with pytest.raises(BadInputError, match="a reason in words"):
        office.rollback(reason)


def test_nothing_to_roll_back_is_said(office: Office) -> None:
    with pytest.raises(BadInputError, match="no champion"):
        office.rollback()


def test_a_held_lease_names_its_holder_and_changes_nothing(office: Office) -> None:
    candidate = office.candidate()
    with (
        dataclasses.replace(office.lease, who="박 promoting fastpitch v9").held(),
        pytest.raises(PromotionConflictError, match="박 promoting fastpitch v9"),
    ):
        office.promote(candidate)
    assert office.ledger.rows() == ()
    assert office.promote(candidate).state == "promoted"


class DyingRegistry:
    """Passes everything on, and dies as a killed process would, before or after the n-th alias write."""

    def __init__(self, registry: ModelRegistry, after_writes: int) -> None:
        self._registry, self._left = registry, after_writes

    def __getattr__(self, name: str) -> object:
        return getattr(self._registry, name)

    def set_alias(self, model: str, alias: str, version: str) -> None:
        if self._left == 0:
            raise KeyboardInterrupt
        self._left -= 1
        self._registry.set_alias(model, alias, version)


def crash(office: Office, writes: int, act: Callable[[Office], object]) -> None:
    dying = dataclasses.replace(office, registry=DyingRegistry(office.registry, writes))  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        act(dying)


def reconcile(office: Office) -> None:
    Succession(office.registry, office.ledger, "fastpitch", "laptop", AUTHOR).reconcile()


def test_a_crash_before_the_alias_leaves_the_old_champion(office: Office) -> None:
    office.promote(office.candidate(similarity=0.88))
    better = office.candidate(similarity=0.92)
    crash(office, 0, lambda dying: dying.promote(better))
    assert office.aliases() == ("1", None)
    assert office.promote(better).state == "promoted"
    assert office.aliases() == ("2", "1")
    assert office.story()[2:] == [
        ("promote", "intent", "1", "2"),
        ("promote", "abandoned", "1", "2"),
        ("promote", "intent", "1", "2"),
        ("promote", "done", "1", "2"),
    ]


def test_a_crash_between_alias_and_ledger_is_written_down_on_the_next_run(office: Office) -> None:
    office.promote(office.candidate(similarity=0.88))
    better = office.candidate(similarity=0.92)
    crash(office, 1, lambda dying: dying.promote(better))
    assert office.aliases() == ("2", None)
    assert office.promote(better).state == "already_champion"
    assert office.aliases() == ("2", "1")
    assert office.story()[-1] == ("promote", "recovered", "1", "2")
    assert "interrupted on" in office.ledger.rows()[-1].reason
    assert office.rollback() == "1"


def test_a_rollback_that_crashed_after_its_alias_is_finished(office: Office) -> None:
    for similarity in (0.88, 0.90, 0.92):
        office.promote(office.candidate(similarity=similarity))
    crash(office, 1, lambda dying: dying.rollback())
    reconcile(office)
    assert office.aliases() == ("2", "1")
    assert office.story()[-1] == ("rollback", "recovered", "3", "2")


def test_an_alias_moved_by_hand_is_taken_over_and_written_down(office: Office) -> None:
    office.promote(office.candidate(similarity=0.88))
    other = office.candidate(similarity=0.80)
    office.registry.set_alias("fastpitch", "champion_laptop", other.version.version)
    reconcile(office)
    reconcile(office)
    assert office.story()[2:] == [("reconcile", "done", "1", "2")]
    assert "outside this ledger" in office.ledger.rows()[-1].reason
    assert office.rollback() == "1"


def test_an_alias_written_past_the_lease_is_noticed(office: Office) -> None:
    office.promote(office.candidate(similarity=0.88))
    better = office.candidate(similarity=0.92)

    class Meddled(DyingRegistry):
        def set_alias(self, model: str, alias: str, version: str) -> None:
            self._registry.set_alias(model, alias, "1" if alias.startswith("champion") else version)

    meddled = dataclasses.replace(office, registry=Meddled(office.registry, 0))  # type: ignore[arg-type]
    with pytest.raises(PromotionConflictError, match="without the promotion lease"):
        meddled.promote(better)
    assert office.promote(better).state == "promoted"
    assert office.aliases() == ("2", "1")


def waiting(office: Office, by: str, reason: str) -> Promotion:
    rules, person = dataclasses.replace(RULES, approval_required=True), dataclasses.replace(AUTHOR, who=by)
    version = office.registry.by_version("fastpitch", "1")
    return approve(office.registry, office.ledger, office.lease, version, rules, person, reason)


def test_where_a_person_must_approve_a_pass_waits_and_the_ledger_names_who_let_it_through(
    office: Office,
) -> None:
    rules = dataclasses.replace(RULES, approval_required=True)
    candidate = office.candidate()
    assert office.promote(candidate, rules).state == "awaiting_approval"
    assert office.promote(candidate, rules).state == "awaiting_approval"
    assert (office.aliases(), office.story()) == ((None, None), [])
    for by, reason in (("", "heard it"), ("박지민", "  ")):
        with pytest.raises(BadInputError, match="name and a reason"):
            waiting(office, by, reason)
    assert waiting(office, "박지민", "heard all 120").state == "promoted"
    assert office.aliases() == ("1", None)
    approval = office.ledger.rows()[0]
    assert (approval.action, approval.who, approval.reason) == ("approve", "박지민", "heard all 120")
    assert office.ledger.history("fastpitch", "laptop").champion == "1"
    # Other evidence about the same version is another question.
    assert office.ledger.history("fastpitch", "laptop").approval("1", "0" * 64) is None


def test_no_approval_overrules_the_gate(office: Office) -> None:
    office.candidate(similarity=0.80)
    with pytest.raises(BadInputError, match="which no approval overrules"):
        waiting(office, "박지민", "I like it")
    assert (office.aliases(), office.story()) == ((None, None), [])


def test_a_withdrawn_voice_is_neither_promoted_nor_rolled_back_to(office: Office) -> None:
    check = ConsentCheck(office.registry, {CONSENT.consent_id: CONSENT}, NOW.date(), frozenset({"fastpitch"}))
    rules = dataclasses.replace(RULES, objections=check)
    for similarity in (0.88, 0.92):
        assert office.promote(office.candidate(similarity=similarity), rules).state == "promoted"
    gone = CONSENT.model_copy(update={"withdrawn": NOW.date()})
    withdrawn = dataclasses.replace(check, register={gone.consent_id: gone})
    outcome = office.promote(
        office.candidate(similarity=0.95), dataclasses.replace(RULES, objections=withdrawn)
    )
    assert outcome.state == "refused"
    assert f"consent: voice ko_a: licence-ko_a was withdrawn on {NOW.date()}" in outcome.refusal
    line = ("fastpitch", "laptop", "clicks", AUTHOR)
    with pytest.raises(BadInputError, match="whose voices may be used today"):
        rollback(office.registry, office.ledger, office.lease, *line, withdrawn)
    assert office.aliases() == ("2", "1")
    unknown = dataclasses.replace(check, register={})
    assert list(unknown(office.registry.by_version("fastpitch", "1"))) == [
        "voice ko_a: no consent licence-ko_a in the register"
    ]


def test_evidence_that_differs_from_the_registrys_is_refused(office: Office) -> None:
    """Evidence and decision are both forged, as by somebody with the workspace in hand."""
    candidate = office.candidate(similarity=0.80)
    forged = evidence(run_id=candidate.version.run_id, similarity=0.95)
    decision = decide("fastpitch", forged, PARAMS.kpi, PARAMS.evaluation, None, None, NOW, seed=7)
    assert decision.verdict == "PASS"
    with pytest.raises(BadInputError, match="in the registry"):
        office.promote(Candidate(candidate.version, forged, decision))
    assert (office.aliases(), office.story()) == ((None, None), [])
