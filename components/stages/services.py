"""Hands a stage the platform objects its parameters name; the only place that chooses adapters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.core.ports import DataVersions, ModelRegistry, Tracker
from components.stages.contract import StageContext

if TYPE_CHECKING:
    from components.core.params.data import DvcParams
    from components.core.params.platform import MlflowParams
    from components.core.paths import Workspace


def tracking_uri(mlflow: MlflowParams, workspace: Workspace) -> str:
    """The configured server, else the workspace's own SQLite store."""
    return mlflow.tracking_uri or f"sqlite:///{workspace.tracking_database}"


def tracker_of(mlflow: MlflowParams, workspace: Workspace) -> Tracker:
    """The tracker of a workspace."""
    from components.adapters.mlflow_tracking import MlflowTracker

    return MlflowTracker(
        tracking_uri=tracking_uri(mlflow, workspace),
        experiment=mlflow.experiment,
        artifact_root=workspace.tracking_artifacts,
        spool=workspace.spool,
        flush_interval_s=mlflow.flush_interval_s,
        request_timeout_s=mlflow.request_timeout_s,
    )


def registry_of(mlflow: MlflowParams, workspace: Workspace) -> ModelRegistry:
    """The registry of a workspace."""
    from components.adapters.mlflow_registry import MlflowRegistry

    return MlflowRegistry(
        tracking_uri=tracking_uri(mlflow, workspace),
        cache=workspace.registry_cache,
        request_timeout_s=mlflow.request_timeout_s,
    )


def tracker(context: StageContext) -> Tracker:
    """The tracker that a stage logs to."""
    return tracker_of(context.params.platform.mlflow, context.workspace)


def registry(context: StageContext) -> ModelRegistry:
    """The model registry that a stage promotes in."""
    return registry_of(context.params.platform.mlflow, context.workspace)


def data_versions_of(dvc: DvcParams, workspace: Workspace) -> DataVersions:
    """The versions of a workspace's data folder."""
    from components.adapters.dvc_versions import DvcVersions

    return DvcVersions(
        dvc_dir=workspace.dvc_dir,
        data_name=workspace.data.name,
        params=dvc,
        local_remote=workspace.dvc_remote,
        locks=workspace.locks,
    )


def data_versions(context: StageContext) -> DataVersions:
    """The versions of this workspace's data folder."""
    return data_versions_of(context.params.data.dvc, context.workspace)
