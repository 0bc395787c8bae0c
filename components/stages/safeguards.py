"""What a promotion, an approval and a rollback of this workspace are held to: rules, lease, consents."""

from __future__ import annotations

from components.core.params import Params
from components.core.paths import Workspace, project_root
from components.core.ports import ModelRegistry
from components.core.storage import sha256_bytes
from components.data.consent import ConsentRecord, consent_text, register_with_shipped
from components.promotion.consents import ConsentCheck
from components.promotion.lease import Lease
from components.promotion.promote import Rules
from components.promotion.succession import Author
from components.stages.shipped import shipped


def rules(params: Params, workspace: Workspace, registry: ModelRegistry, author: Author) -> Rules:
    """Targets, protocol, whether a person must approve, and the consents of today."""
    return Rules(
        kpi=params.kpi,
        evaluation=params.evaluation,
        seed=params.seed,
        approval_required=params.platform.approval.required,
        objections=consents(params, workspace, registry, author),
    )


def consents(params: Params, workspace: Workspace, registry: ModelRegistry, author: Author) -> ConsentCheck:
    """Who may object to a version: the voices that it speaks in."""
    gated = params.kpi.gated.model_dump()
    return ConsentCheck(
        registry=registry,
        register=_register(workspace),
        day=author.now.date(),
        speaking=frozenset(model for model, names in gated.items() if "speaker_similarity" in names),
    )


def register_sha256(workspace: Workspace) -> str:
    """Changes when any consent does.

    Raises:
        DataError: a register that cannot be read.
    """
    return sha256_bytes(consent_text(_register(workspace)).encode("utf-8"))


def _register(workspace: Workspace) -> dict[str, ConsentRecord]:
    """Of the corpora here, and of the voices behind the shipped weights."""
    return register_with_shipped(workspace.data, shipped(project_root()))


def lease(params: Params, workspace: Workspace, who: str) -> Lease:
    """The promotion lease of this workspace; ``who`` is read by whoever waits for it."""
    return Lease(workspace.promotion_lock, who, params.platform.mlflow.promotion_lease_timeout_s)
