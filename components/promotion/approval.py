"""A person's word before a PASS becomes champion, where `platform.approval.required` asks for one.

It is given for a version and the evidence about it, stands in the ledger, and does not overrule the gate.
"""

from __future__ import annotations

from components.core.errors import BadInputError
from components.core.ports import ModelRegistry, ModelVersion
from components.promotion.gate import decide
from components.promotion.lease import Lease
from components.promotion.ledger import Ledger
from components.promotion.promote import Candidate, Promotion, Rules, promote
from components.promotion.succession import Author, Move, Succession


def approve(
    registry: ModelRegistry,
    ledger: Ledger,
    lease: Lease,
    version: ModelVersion,
    rules: Rules,
    author: Author,
    reason: str,
) -> Promotion:
    """Write the approval down, then promote by the same protocol as ever.

    Args:
        version: what is approved; its latest evidence counts.
        author: the person, named.
        reason: in words.

    Raises:
        BadInputError: no name or reason, no evidence, or a version that the gate does not pass.
        PromotionConflictError: the lease was not to be had; nothing was changed.
    """
    who = f"approval of {version.model} v{version.version}"
    if not reason.strip() or not author.who.strip():
        raise BadInputError(
            who=who, expected="a person's name and a reason", found="a blank", action="give --by and --reason"
        )
    evidence = registry.evidence_of(version)
    if evidence is None:
        raise BadInputError(
            who=who, expected="evidence about it", found="none", action="evaluate and gate this version first"
        )
    line = Succession(registry, ledger, version.model, rules.evaluation.scope, author)
    with lease.held():
        line.reconcile()
        champion = line.champion()
        decision = decide(
            model=version.model,
            evidence=evidence,
            kpi=rules.kpi,
            evaluation=rules.evaluation,
            champion=registry.evidence_of(champion) if champion else None,
            champion_version=champion.version if champion else None,
            now=author.now,
            seed=rules.seed,
        )
        if decision.verdict != "PASS" and not (champion and champion.version == version.version):
            raise BadInputError(
                who=who,
                expected="a PASS of the gate, which no approval overrules",
                found=decision.verdict,
                action="mend what the reasons name and train a new candidate; nothing was changed",
                details=[reason.text for reason in decision.reasons if reason.verdict != "PASS"],
            )
        line.note(Move("approve", version, reason.strip(), decision.verdict, decision.evidence_sha256))
    return promote(registry, ledger, lease, Candidate(version, evidence, decision), rules, author)
