"""The Kubernetes launcher: one pod a stage, on an A100 node where the stage needs one.

Every default that bites is set here, with its reason. Results are read from storage and MLflow, never from
the pod, so a pod that vanished after success, or ran twice, does no harm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.utils.pod_manager import OnFinishAction
from airflow.sdk.exceptions import AirflowSkipException

from components.adapters.pod_spec import render_pod
from components.core.params import Params
from components.core.stage_command import stage_command
from components.core.stage_graph import Stage

_SECONDS_PER_HOUR = 3600


class StagePodOperator(KubernetesPodOperator):
    """A stage in a pod; the DAG run's choice of models is honoured before anything is submitted."""

    def __init__(
        self,
        *,
        stage: Stage,
        model: str | None,
        params_of_profile: Params,
        project: Path,
        options: Sequence[str],
        **kwargs: Any,
    ) -> None:
        pod = render_pod(stage, model, params_of_profile, project, command=())
        super().__init__(pod_template_dict=pod, cmds=["python"], **kwargs)
        self.stage, self.model, self.options = stage.name, model, tuple(options)

    def execute(self, context: Any) -> Any:
        """Submit the pod with this run's choices as its command, unless the run leaves the model out."""
        choice: Mapping[str, Any] = context["params"]
        if self.model and self.model not in choice["models"]:
            raise AirflowSkipException(f"{self.model} was not chosen for this run")
        options = {name: str(choice[name]) for name in self.options}
        self.arguments = stage_command(
            self.stage, self.model, choice.get("profile"), bool(choice.get("force")), options
        )
        return super().execute(context)


def pod_task(
    stage: Stage,
    model: str | None,
    params: Params,
    project: Path,
    options: Sequence[str],
    settings: Mapping[str, Any],
) -> KubernetesPodOperator:
    """The operator of a stage; ``settings`` are the BaseOperator arguments every launcher shares."""
    kubernetes = params.platform.kubernetes
    return StagePodOperator(
        stage=stage,
        model=model,
        params_of_profile=params,
        project=project,
        options=options,
        namespace=kubernetes.namespace,
        in_cluster=True,
        deferrable=True,
        do_xcom_push=False,  # no sidecar, hence none to secure
        random_name_suffix=True,
        # falls back to startup_timeout_seconds = 120 s; a queued A100 job waits for hours
        schedule_timeout_seconds=round(kubernetes.schedule_timeout_h * _SECONDS_PER_HOUR),
        active_deadline_seconds=round(kubernetes.active_deadline_h * _SECONDS_PER_HOUR),
        termination_grace_period=kubernetes.termination_grace_s,
        on_finish_action=OnFinishAction.DELETE_SUCCEEDED_POD,
        durable=True,
        **settings,
    )
