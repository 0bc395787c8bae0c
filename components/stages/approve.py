"""The tool approve: a named person's word for a version that waits for it, and its promotion."""

from __future__ import annotations

from dataclasses import replace

from components.core.errors import BadInputError
from components.core.params import Params
from components.core.paths import Workspace, project_root
from components.core.provenance import git_sha
from components.promotion.approval import approve as give
from components.promotion.ledger import Ledger
from components.promotion.promote import PromotionState
from components.promotion.succession import Author
from components.stages import safeguards, services
from components.stages.rollback import require_model

_WAITS: PromotionState = "awaiting_approval"


def approve(params: Params, workspace: Workspace, model: str, version: str, by: str, reason: str) -> str:
    """Approve ``version`` of ``model`` in the scope of ``params`` and say in one line what serves now.

    Raises:
        ConfigError: no such model.
        BadInputError: no such version, no name or reason, or a version that does not wait: only `promote`
            lets one wait, after the gate and after its exported form was heard in a process of its own.
        PromotionConflictError: a promotion holds the lease.
    """
    require_model(params, model)
    here = Author.here(git_sha(project_root()))
    person = replace(here, who=f"{by.strip()} (account {here.who})" if by.strip() else "")
    registry = services.registry_of(params.platform.mlflow, workspace)
    waiting = registry.by_version(model, version)
    if waiting.tags.get("promotion") != _WAITS:
        raise BadInputError(
            who=f"approval of {model} v{version}",
            expected="a version that passed and waits for a person",
            found=f"one that is {waiting.tags.get('promotion', 'not promoted by any run')}",
            action="let `promote` run with platform.approval.required, then approve what waits",
        )
    outcome = give(
        registry,
        Ledger(workspace.ledger),
        safeguards.lease(params, workspace, f"{by} approving {model} v{version}"),
        waiting,
        safeguards.rules(params, workspace, registry, person),
        person,
        reason,
    )
    registry.set_version_tags(model, version, {"promotion": outcome.state})
    if outcome.state == "refused":
        return f"{model} v{version} is approved, but not promoted: {outcome.refusal}"
    return f"{model} v{version} is {outcome.alias}, approved by {by.strip()} ({reason.strip()})"
