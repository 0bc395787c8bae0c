"""Stage promote: a candidate that passed the gate becomes champion of its scope."""

from __future__ import annotations

from pathlib import Path

from components.core.metrics import Decision
from components.core.storage import write_json
from components.promotion.lease import Lease
from components.promotion.ledger import Ledger
from components.promotion.promote import Candidate, Promotion, Rules, promote
from components.promotion.succession import Author
from components.stages import deliverable, services
from components.stages.contract import Outcome, StageContext
from components.stages.gate import read_evidence


def run(context: StageContext) -> Outcome:
    """Promote what this run's gate has passed.

    Raises:
        IrisError: see `promote_judged`.
    """
    path = context.workspace.decisions / f"{context.model}.promotion.json"
    gate = context.upstream["gate"]
    evidence, decision = context.input("evaluate", "evidence"), context.input("gate", "decision")
    return promote_judged(context, evidence, decision, str(gate.summary["version"]), path)


def promote_judged(context: StageContext, found: Path, decided: Path, number: str, path: Path) -> Outcome:
    """Promote version ``number``, or write down why not: the champion may have changed since the gate.

    Args:
        found: the evidence that was judged.
        decided: the gate's decision on it.
        number: the version in the registry.
        path: where the outcome is written.

    Raises:
        PromotionConflictError: another promotion holds the lease.
        TrackingUnavailableError: the registry does not answer.
    """
    author = Author.here(context.git_sha)
    registry = services.registry(context)
    decision = Decision.model_validate_json(decided.read_bytes())
    version = registry.by_version(decision.model, number)
    decision = deliverable.judged(context, version, decision, found.parent)
    params = context.params
    promotion = promote(
        registry=registry,
        ledger=Ledger(context.workspace.ledger),
        lease=Lease(
            context.workspace.promotion_lock,
            who=f"{author.who} promoting {decision.model} v{version.version}",
            timeout_s=params.platform.mlflow.promotion_lease_timeout_s,
        ),
        candidate=Candidate(version, read_evidence(found), decision),
        rules=Rules(params.kpi, params.evaluation, params.seed),
        author=author,
    )
    context.progress.say(_sentence(promotion, version.version))
    summary = _summary(promotion, version.version)
    write_json(path, {**summary, "decision": promotion.decision.model_dump(mode="json")})
    return Outcome(outputs={"promotion": path}, summary=summary)


def _summary(promotion: Promotion, version: str) -> dict[str, str | None]:
    return {
        "version": version,
        "alias": promotion.alias if promotion.state != "refused" else None,
        "previous": promotion.previous,
        "champion": promotion.champion,
        "state": promotion.state,
        "refusal": promotion.refusal,
    }


def _sentence(promotion: Promotion, version: str) -> str:
    if promotion.state == "refused":
        return f"v{version} not promoted: {promotion.refusal}"
    if promotion.state == "already_champion":
        return f"v{version} is {promotion.alias} already"
    return f"v{version} is {promotion.alias} now, before: {promotion.previous or 'none'}"
