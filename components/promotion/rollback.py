"""Rollback: the champion before this one serves again, with a person's reason in the ledger."""

from __future__ import annotations

from components.core.errors import BadInputError
from components.core.ports import ModelRegistry
from components.promotion.lease import Lease
from components.promotion.ledger import Ledger, Row
from components.promotion.promote import Objections
from components.promotion.succession import Author, Move, Succession, champion_alias


def rollback(
    registry: ModelRegistry,
    ledger: Ledger,
    lease: Lease,
    model: str,
    scope: str,
    reason: str,
    author: Author,
    objections: Objections,
) -> Row:
    """Restore the previous champion of ``model`` in ``scope``.

    A second rollback goes one champion further back. The version taken out of service is not promoted again.

    Args:
        objections: of the people in whose voices the previous champion speaks.

    Returns:
        The ledger row of the rollback.

    Raises:
        BadInputError: no reason given, no champion, none before it, or one that may not serve any more.
        PromotionConflictError: a promotion holds the lease; nothing was changed.
    """
    if not reason.strip():
        raise BadInputError(
            who=f"rollback of {model}",
            expected="a reason in words",
            found="none",
            action='say why, for example --reason "clicks in Japanese vowels"',
        )
    line = Succession(registry, ledger, model, scope, author)
    with lease.held():
        line.reconcile()
        history = line.history()
        if history.champion is None or history.previous is None:
            raise BadInputError(
                who=f"rollback of {model} in scope {scope}",
                expected=f"a {champion_alias(scope)} that replaced another one",
                found=f"v{history.champion}, the first champion" if history.champion else "no champion",
                action="nothing was changed; check model and scope against the ledger",
            )
        target = registry.by_version(model, history.previous)
        against = objections(target)
        if against:
            raise BadInputError(
                who=f"rollback of {model} to v{target.version}",
                expected="a version whose voices may be used today",
                found=against[0],
                action="train without that voice; nothing was changed",
                details=against[1:],
            )
        move = Move(
            action="rollback", target=target, reason=reason.strip(), decision=None, evidence_sha256=None
        )
        return line.install(move, previous=history.before(target.version))
