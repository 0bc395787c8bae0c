"""Stage promote: a candidate that passed the gate becomes champion of its scope."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from components.core.metrics import Decision
from components.core.ports import ModelVersion
from components.core.storage import write_json
from components.promotion.ledger import Ledger
from components.promotion.promote import Candidate, Promotion, promote
from components.promotion.succession import Author
from components.stages import deliverable, safeguards, services
from components.stages.contract import Outcome, StageContext
from components.stages.gate import read_evidence
from components.stages.records import intact_input

#: What a promotion may end in with the version serving.
SERVING = frozenset({"promoted", "already_champion"})


def fingerprint(context: StageContext) -> Mapping[str, str]:
    """Tried again when a consent changes, and when the approval that it waits for is given."""
    consents = safeguards.register_sha256(context.workspace)
    if not context.params.platform.approval.required:
        return {"consents": consents}
    ledger, gate = Ledger(context.workspace.ledger), context.upstream["gate"]
    judged = Decision.model_validate_json(context.input("gate", "decision").read_bytes()).evidence_sha256
    history = ledger.history(str(context.model), context.params.evaluation.scope)
    row = history.approval(str(gate.summary["version"]), judged)
    return {"consents": consents, "approval": row.sha256 if row else "awaited"}


def run(context: StageContext) -> Outcome:
    """Promote what this run's gate has passed.

    Raises:
        IrisError: see `promote_judged`.
    """
    path = context.workspace.decisions / f"{context.model}.promotion.json"
    gate = context.upstream["gate"]
    evidence, decision = (
        intact_input(context, "evaluate", "evidence"),
        intact_input(context, "gate", "decision"),
    )
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
        lease=safeguards.lease(
            params, context.workspace, f"{author.who} promoting {decision.model} v{version.version}"
        ),
        candidate=Candidate(version, read_evidence(found), decision),
        rules=safeguards.rules(params, context.workspace, registry, author),
        author=author,
    )
    registry.set_version_tags(version.model, version.version, {"promotion": promotion.state})
    context.progress.say(_sentence(promotion, version))
    summary = _summary(promotion, version.version)
    write_json(path, {**summary, "decision": promotion.decision.model_dump(mode="json")})
    return Outcome(outputs={"promotion": path}, summary=summary)


def _summary(promotion: Promotion, version: str) -> dict[str, str | None]:
    return {
        "version": version,
        "alias": promotion.alias if promotion.state in SERVING else None,
        "previous": promotion.previous,
        "champion": promotion.champion,
        "state": promotion.state,
        "refusal": promotion.refusal,
    }


def _sentence(promotion: Promotion, of: ModelVersion) -> str:
    version = of.version
    if promotion.state == "awaiting_approval":
        command = f"approve --model {of.model} --version {version} --by NAME --reason WHY"
        return f"v{version} passed and waits for a person: python -m components {command}"
    if promotion.state == "refused":
        return f"v{version} not promoted: {promotion.refusal}"
    if promotion.state == "already_champion":
        return f"v{version} is {promotion.alias} already"
    return f"v{version} is {promotion.alias} now, before: {promotion.previous or 'none'}"
