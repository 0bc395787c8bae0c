"""``platform`` and ``report``: scheduling, tracking, Kubernetes, and what the reports carry."""

from __future__ import annotations

import datetime
from typing import Literal, Self

from pydantic import Field, model_validator

from components.core.params.base import Section
from components.core.params.review import NotifierParams


class Timeouts(Section):
    """Execution timeouts in hours."""

    cpu: float = Field(gt=0)
    gpu: float = Field(gt=0)


class Pools(Section):
    """Airflow pool slots."""

    dvc: Literal[1] = Field(description="parallel `dvc add` fails")
    a100: int = Field(gt=0)


class AirflowParams(Section):
    """When and how often."""

    schedule_cron: str
    report_cron: str
    timezone: str
    retries: int = Field(ge=0)
    retry_delay_s: int = Field(gt=0)
    execution_timeout_h: Timeouts
    pools: Pools
    launcher: Literal["in_process", "subprocess", "kubernetes"]
    notifiers: tuple[NotifierParams, ...] = Field(strict=False, description="told of alerts; none: the log")


class MlflowParams(Section):
    """Where runs are remembered."""

    tracking_uri: str = Field(description="empty: SQLite in the workspace")
    experiment: str = Field(min_length=1)
    flush_interval_s: float = Field(gt=0)
    request_timeout_s: int = Field(gt=0)
    promotion_lease_timeout_s: float = Field(gt=0, description="how long a promotion waits for another")


class ApprovalParams(Section):
    """Whether a person has to say yes before a PASS becomes champion."""

    required: bool = Field(description="promote then waits for `components approve`; the DAG stays green")


class CpuStageResources(Section):
    """What a stage without a GPU asks of Kubernetes."""

    cpu: str
    memory: str
    shm: str
    scratch: str


class NodeCacheParams(Section):
    """Where the pods of a node keep the data versions that they read (docs/adr/0017)."""

    volume: Literal["claim", "empty_dir", "none"] = Field(
        description="claim: a node's pods share it; empty_dir: each pod its own; none: the workspace's data"
    )
    claim: str = Field(description="its volume is node-local, hence another folder on each node")
    max_gib: int = Field(gt=0, description="bound of the cache, GiB; versions not in use go first")


class HeartbeatParams(Section):
    """When a stage that says nothing counts as hanging."""

    interval_s: float = Field(gt=0, description="between two looks, and two writings of the heartbeat file")
    hang_after_min: float = Field(gt=0, description="minutes without a sign of life")
    alive_cpu_share: float = Field(
        gt=0, le=1, description="of one core; as much work counts as life outside the training loop"
    )


class KubernetesParams(Section):
    """Where pods run."""

    namespace: str
    image: str = Field(pattern=r"@sha256:[0-9a-f]{64}$", description="by digest")
    gpu_products: tuple[str, ...] = Field(strict=False, min_length=1)
    queue_name: str
    priority_class: str
    service_account: str
    schedule_timeout_h: float = Field(gt=0)
    active_deadline_h: float = Field(gt=0)
    startup_timeout_s: int = Field(gt=0, description="from scheduled to started, the image pull included")
    termination_grace_s: int = Field(ge=10)
    poll_interval_s: float = Field(gt=0, description="between two looks at a pod")
    log_interval_s: int = Field(gt=0, description="how far a running pod's log lags behind in Airflow")
    api_patience_s: float = Field(gt=0, description="how long an API server may be away")
    api_outages: int = Field(ge=0, description="times that an attempt may lose sight of its pod")
    pods_per_attempt: int = Field(ge=1, description="first pod included; evictions do not count as retries")
    cpu_stage: CpuStageResources
    storage_claim: str
    node_cache: NodeCacheParams
    ranks_service: str = Field(description="headless Service that names the pods of a Job (k8s/base)")
    rendezvous_port: int = Field(ge=1024, le=65535, description="where the nodes of a training meet")
    finished_job_ttl_h: float = Field(gt=0, description="a finished Job and its logs stay that long")


class CostParams(Section):
    """What a GPU hour costs the site."""

    gpu_hour_krw: float | None = Field(gt=0, description="won; null: costs in won are unknown")
    gpu_hour_usd: float | None = Field(gt=0, description="US dollars; null: costs in dollars are unknown")


class DeliveryParams(Section):
    """What an exported model must show in a clean process before it may become champion."""

    sentences_per_language: int = Field(gt=0, description="said again, or clips rendered; the shortest ones")
    min_agreement_db: float = Field(gt=0, description="spectra of the evaluation's over their difference")
    max_duration_difference_s: float = Field(ge=0)
    max_frame_difference: float = Field(ge=0, description="of a lip sync's worst frame, of 255 levels")
    max_score_difference: float = Field(gt=0, description="of what another device drew otherwise, as judged")
    timeout_s: float = Field(gt=0)


class PlatformParams(Section):
    """Airflow, MLflow, Kubernetes."""

    profile_name: str
    airflow: AirflowParams
    mlflow: MlflowParams
    approval: ApprovalParams
    workers: int = Field(gt=0, description="processes for CPU-bound stages")
    heartbeat: HeartbeatParams
    feature_shards: int = Field(gt=0, description="tasks that compute a model's features side by side")
    peer_timeout_s: float = Field(gt=0, description="a training process waits this long for another one")
    kubernetes: KubernetesParams
    cost: CostParams
    delivery: DeliveryParams


class NextPlan(Section):
    """A line of 다음 계획."""

    date: str = Field(description="YYYY-MM-DD, on or after the note's date")
    text: str = Field(min_length=1)

    @model_validator(mode="after")
    def _is_a_date(self) -> Self:
        datetime.date.fromisoformat(self.date)
        return self


class ReportParams(Section):
    """What the parameter sheet, the note and the review page carry."""

    programme: str
    sheet_version: str
    author: str = Field(description="작성자; empty stays empty, no signature is invented")
    reviewer: str = Field(description="확인; empty stays empty")
    phase: str
    keywords: tuple[str, ...] = Field(strict=False)
    kpi_weights_percent: dict[str, float]
    next_plans: tuple[NextPlan, ...] = Field(strict=False)
    samples_per_language: int = Field(ge=0)

    @model_validator(mode="after")
    def _weights_and_names_make_sense(self) -> Self:
        total = sum(self.kpi_weights_percent.values())
        if self.kpi_weights_percent and abs(total - 100) > 1e-6:
            message = f"kpi_weights_percent must sum to 100, they sum to {total}"
            raise ValueError(message)
        if self.author and self.author == self.reviewer:
            message = f"author and reviewer are the same person: {self.author}"
            raise ValueError(message)
        return self
