"""Promotion: a PASS becomes champion, under the lease and against the champion of that very moment.

MLflow's alias write is last-writer-wins, and a decision may be minutes old when its turn comes. So the
champion is read again inside the lease and the candidate judged again against it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from components.core.errors import BadInputError
from components.core.metrics import Decision, Evidence, Reason
from components.core.params.kpi import EvaluationParams, KpiParams
from components.core.ports import ModelRegistry, ModelVersion
from components.promotion.gate import decide, evidence_sha256, headroom
from components.promotion.lease import Lease
from components.promotion.ledger import Ledger
from components.promotion.reasons import without_figures, worst
from components.promotion.succession import Author, Move, Succession, champion_alias

PromotionState = Literal["promoted", "already_champion", "refused", "awaiting_approval"]


Objections = Callable[[ModelVersion], Sequence[str]]


@dataclass(frozen=True)
class Rules:
    """What the gate judges by, and what else stands between a PASS and the alias.

    Attributes:
        approval_required: a person has to say yes first (`components.promotion.approval`).
        objections: of the people in whose voices a version speaks; any refuses it.
    """

    kpi: KpiParams
    evaluation: EvaluationParams
    seed: int
    approval_required: bool
    objections: Objections


@dataclass(frozen=True)
class Candidate:
    """A registered version with what was found about it and what the gate said."""

    version: ModelVersion
    evidence: Evidence
    decision: Decision


@dataclass(frozen=True)
class Promotion:
    """How an attempt ended.

    Attributes:
        state: promoted, refused, waiting for a person's approval, or nothing to do.
        champion: the version that serves now; None where there is none.
        previous: the version that a rollback brings back; None where there is none.
        decision: the decision that counted, which may be a newer one than the gate stage's.
    """

    state: PromotionState
    alias: str
    champion: str | None
    previous: str | None
    decision: Decision

    @property
    def refusal(self) -> str:
        """Which target was missed by how much, all of them; empty for a PASS."""
        return "; ".join(reason.text for reason in self.decision.reasons if reason.verdict != "PASS")


def promote(
    registry: ModelRegistry,
    ledger: Ledger,
    lease: Lease,
    candidate: Candidate,
    rules: Rules,
    author: Author,
) -> Promotion:
    """Make the candidate champion of its scope, or write down why not.

    Args:
        registry: versions and aliases.
        ledger: gets one closing row for every attempt that promotes or refuses.
        lease: held while champion, judgement and aliases must belong together.
        candidate: the version, its evidence and the gate's decision.
        rules: targets and protocol for judging again.
        author: who promotes, when.

    Raises:
        BadInputError: the decision is about other evidence than the candidate's, or the registry keeps other.
        PromotionConflictError: the lease was not to be had; nothing was changed.
    """
    _belong_together(candidate, rules.evaluation.scope, registry)
    line = Succession(registry, ledger, candidate.version.model, rules.evaluation.scope, author)
    with lease.held():
        line.reconcile()
        champion = line.champion()
        if champion and champion.version == candidate.version.version:
            return _outcome("already_champion", line, candidate.decision)
        decision = _judged_now(candidate, champion, line, rules)
        move = Move(
            action="promote" if decision.verdict == "PASS" else "refuse",
            target=candidate.version,
            reason=_words(decision),
            decision=decision.verdict,
            evidence_sha256=decision.evidence_sha256,
        )
        if decision.verdict != "PASS":
            line.note(move)
            return _outcome("refused", line, decision)
        if rules.approval_required and not _approved(candidate, line):
            return _outcome("awaiting_approval", line, decision)
        line.install(move, previous=champion.version if champion else None)
        return _outcome("promoted", line, decision)


def _approved(candidate: Candidate, line: Succession) -> bool:
    return line.history().approval(candidate.version.version, candidate.decision.evidence_sha256) is not None


def _belong_together(candidate: Candidate, scope: str, registry: ModelRegistry) -> None:
    """Decision, evidence and version are about each other; the registry's copy is a third witness."""
    decision, evidence, version = candidate.decision, candidate.evidence, candidate.version
    expected = (version.model, version.run_id, scope, evidence_sha256(evidence))
    found = (decision.model, decision.run_id, decision.scope, decision.evidence_sha256)
    if expected != found:
        raise BadInputError(
            who=f"decision about {decision.model} ({decision.scope})",
            expected=f"{version.model}, scope {scope}, run {version.run_id}, evidence {expected[3][:12]}",
            found=f"run {decision.run_id}, evidence {decision.evidence_sha256[:12]}",
            action="run the gate on this candidate's evidence, then promote",
        )
    kept = registry.evidence_of(version)
    if kept is None or evidence_sha256(kept) != expected[3]:
        raise BadInputError(
            who=f"evidence of {version.model} v{version.version}",
            expected=f"sha256 {expected[3][:12]}, as decided on",
            found=f"{evidence_sha256(kept)[:12]} in the registry" if kept else "none in the registry",
            action="find out which of the two was changed; evaluate and gate again; nothing was promoted",
        )


def _judged_now(
    candidate: Candidate, champion: ModelVersion | None, line: Succession, rules: Rules
) -> Decision:
    """The gate's word against the champion of this moment; a decision that was no PASS stays what it was."""
    if candidate.decision.verdict != "PASS":
        return candidate.decision
    theirs = line.registry.evidence_of(champion) if champion else None
    decision = decide(
        model=line.model,
        evidence=candidate.evidence,
        kpi=rules.kpi,
        evaluation=rules.evaluation,
        champion=theirs,
        champion_version=champion.version if champion else None,
        now=line.author.now,
        seed=rules.seed,
    )
    objections = [
        *(without_figures("consent", "FAIL", why) for why in rules.objections(candidate.version)),
        *_taken_back(candidate, line),
        *_overtaken(candidate, champion, theirs, rules),
    ]
    reasons = (*decision.reasons, *objections)
    verdict = worst(reason.verdict for reason in reasons)
    return decision.model_copy(update={"reasons": reasons, "verdict": verdict})


def _taken_back(candidate: Candidate, line: Succession) -> list[Reason]:
    """A version that a person rolled back does not return by running the pipeline again."""
    row = line.history().rolled_back(candidate.version.version)
    if row is None:
        return []
    text = f"v{candidate.version.version} was rolled back on {row.at} by {row.who} ({row.reason})"
    return [without_figures("rollback", "FAIL", text)]


def _overtaken(
    candidate: Candidate, champion: ModelVersion | None, theirs: Evidence | None, rules: Rules
) -> list[Reason]:
    """Candidates that meet in a race are ranked: the margin favours newer data, not the later process.

    Without this, of candidates within the margin of each other the last to write would be champion.
    """
    if champion is None or theirs is None or champion.version == candidate.decision.champion_version:
        return []
    model = candidate.version.model
    ours = headroom(model, candidate.evidence, rules.kpi, rules.evaluation)
    ahead = headroom(model, theirs, rules.kpi, rules.evaluation)
    if ours > ahead:
        return []
    text = (
        f"v{champion.version} became champion after this decision and stands higher "
        f"(summed headroom {ahead:+.4g} against {ours:+.4g}); run the gate again to compare with it"
    )
    return [without_figures("champion", "INCONCLUSIVE", text)]


def _words(decision: Decision) -> str:
    if decision.verdict == "PASS":
        return "; ".join(reason.text for reason in decision.reasons if reason.value is not None)
    return "; ".join(reason.text for reason in decision.reasons if reason.verdict != "PASS")


def _outcome(state: PromotionState, line: Succession, decision: Decision) -> Promotion:
    champion = line.champion()
    return Promotion(
        state=state,
        alias=champion_alias(line.scope),
        champion=champion.version if champion else None,
        previous=line.history().previous,
        decision=decision,
    )
