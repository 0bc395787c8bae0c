"""The tool rollback: takes a workspace's registry, ledger and lease and restores the champion before."""

from __future__ import annotations

from components.core.errors import ConfigError
from components.core.params import Params
from components.core.paths import Workspace, project_root
from components.core.provenance import git_sha
from components.promotion.lease import Lease
from components.promotion.ledger import Ledger
from components.promotion.rollback import rollback as restore_previous
from components.promotion.succession import Author
from components.stages import services


def rollback(params: Params, workspace: Workspace, model: str, reason: str) -> str:
    """Roll ``model`` back in the scope of ``params`` and say in one line what serves now.

    Raises:
        ConfigError: no such model.
        BadInputError: no reason given, or no earlier champion.
        PromotionConflictError: a promotion holds the lease.
    """
    if model not in params.models:
        raise ConfigError(
            who=f"model {model!r}",
            expected=f"one of {', '.join(params.models)}",
            found="no such model",
            action="correct the name; nothing was changed",
        )
    mlflow, scope = params.platform.mlflow, params.evaluation.scope
    author = Author.here(git_sha(project_root()))
    lease = Lease(
        workspace.promotion_lock, f"{author.who} rolling back {model}", mlflow.promotion_lease_timeout_s
    )
    registry = services.registry_of(mlflow, workspace)
    row = restore_previous(registry, Ledger(workspace.ledger), lease, model, scope, reason, author)
    return f"{model}, {scope}: champion is v{row.to_version} again, v{row.from_version} is out ({row.reason})"
