"""The tool rollback: takes a workspace's registry, ledger and lease and restores the champion before."""

from __future__ import annotations

from components.core.errors import ConfigError
from components.core.params import Params
from components.core.paths import Workspace, project_root
from components.core.provenance import git_sha
from components.promotion.ledger import Ledger
from components.promotion.rollback import rollback as restore_previous
from components.promotion.succession import Author
from components.stages import safeguards, services


def rollback(params: Params, workspace: Workspace, model: str, reason: str) -> str:
    """Roll ``model`` back in the scope of ``params`` and say in one line what serves now.

    Raises:
        ConfigError: no such model.
        BadInputError: no reason given, no earlier champion, or one whose voices may not be used any more.
        PromotionConflictError: a promotion holds the lease.
    """
    require_model(params, model)
    author = Author.here(git_sha(project_root()))
    lease = safeguards.lease(params, workspace, f"{author.who} rolling back {model}")
    registry, ledger = services.registry_of(params.platform.mlflow, workspace), Ledger(workspace.ledger)
    scope, consents = params.evaluation.scope, safeguards.consents(params, workspace, registry, author)
    row = restore_previous(registry, ledger, lease, model, scope, reason, author, consents)
    return f"{model}, {scope}: champion is v{row.to_version} again, v{row.from_version} is out ({row.reason})"


def require_model(params: Params, model: str) -> None:
    """Raises ConfigError where params.yaml has no such model."""
    if model not in params.models:
        raise ConfigError(
            who=f"model {model!r}",
            expected=f"one of {', '.join(params.models)}",
            found="no such model",
            action="correct the name; nothing was changed",
        )
