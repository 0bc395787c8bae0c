"""Stages on Kubernetes: one pod, with torchrun in it for several GPUs; an Indexed Job for several nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from _cluster import api_server
from _launching import chosen, key_of, skip_unchosen
from _pod import pod_task
from airflow.providers.cncf.kubernetes.kubernetes_helper_functions import add_unique_suffix
from airflow.providers.cncf.kubernetes.operators.job import KubernetesJobOperator
from airflow.providers.cncf.kubernetes.triggers.job import KubernetesJobTrigger
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from kubernetes.client import ApiClient, ApiException, V1Job

from components.adapters.job_spec import render_job
from components.adapters.torchrun_command import processes
from components.core.attempt import ATTEMPT_VARIABLE
from components.core.params import Params, params_sha
from components.core.spending import submission
from components.core.stage_command import stage_command
from components.core.stage_graph import Stage

#: The Job controller's reason when a pod ended with a code that no retry mends (`pod_end`).
_NEVER_MENDED = "PodFailurePolicy"
_JOB_LABEL = "batch.kubernetes.io/job-name"
#: A pod's host name is the Job's name and an index, and a host name has 63 characters.
_NAME_LENGTH = 58


def kubernetes_task(
    stage: Stage,
    model: str | None,
    params: Params,
    project: Path,
    options: Sequence[str],
    settings: Mapping[str, Any],
) -> BaseOperator:
    """The operator of a stage; ``settings`` are the BaseOperator arguments every launcher shares."""
    nodes, _ = processes(stage, model, params)
    if nodes == 1:
        return pod_task(stage, model, params, project, options, settings)
    return StageJobOperator(
        stage=stage, model=model, params_of_profile=params, project=project, options=options, **settings
    )


class StageJobOperator(KubernetesJobOperator):
    """A stage in a Job, waited for without a worker's slot.

    The provider looks for the Job's pods right after creating it and fails where there are none; Kueue keeps
    a queued Job without pods for hours. Here the Job alone is watched, and its pods are found by its name
    when it has ended.
    """

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
        kubernetes = params_of_profile.platform.kubernetes
        super().__init__(
            name=f"iris-{model}-{stage.name}",
            namespace=kubernetes.namespace,
            **api_server(),
            deferrable=True,
            wait_until_job_complete=True,  # the provider's default reports success once the Job exists
            do_xcom_push=False,
            **kwargs,
        )
        self._stage, self._params_of_profile, self._project = stage, params_of_profile, project
        self.model, self.options = model, tuple(options)
        self._command: list[str] = []

    def execute(self, context: Any) -> Any:
        """Submit the Job with this run's choices as its command, unless the run leaves the model out."""
        choice: Mapping[str, Any] = context["params"]
        skip_unchosen(self.model, choice)
        options = chosen(choice, self.options)
        self._command = stage_command(
            self._stage.name, self.model, choice.get("profile"), bool(choice.get("force")), options
        )
        return super().execute(context)

    def build_job_request_obj(self, context: Any = None) -> V1Job:
        """The rendered Job under a name of this try's own."""
        job = render_job(self._stage, self.model, self._params_of_profile, self._project, self._command)
        job["metadata"]["name"] = add_unique_suffix(name=job["metadata"]["name"], max_len=_NAME_LENGTH)
        if context is not None:
            job["metadata"]["labels"] |= self._get_ti_pod_labels(context)
            key, _ = key_of(context, self._stage.name, self.model, params_sha(self._params_of_profile))
            inside = job["spec"]["template"]["spec"]["containers"][0]["env"]
            inside += [
                {"name": name, "value": value}
                for name, value in ((ATTEMPT_VARIABLE, key), submission(datetime.now(UTC)))
            ]
        # The client has no public way from a dict to a model; the provider goes this one too.
        return ApiClient()._ApiClient__deserialize_model(job, V1Job)

    def get_pods(self, pod_request_obj: Any, context: Any, *, exclude_checked: bool = True) -> list[Any]:
        """None are waited for."""
        return []

    def execute_deferrable(self) -> None:
        """Wait for the Job's end in the triggerer."""
        if self.job is None:
            raise AirflowException("no Job was created")
        self.defer(
            trigger=KubernetesJobTrigger(
                job_name=self.job.metadata.name,
                job_namespace=self.job.metadata.namespace,
                pod_names=[],
                pod_namespace=self.job.metadata.namespace,
                base_container_name=self.base_container_name,
                kubernetes_conn_id=self.kubernetes_conn_id,
                in_cluster=self.in_cluster,
                config_file=self.config_file,
                poll_interval=self.job_poll_interval,
                get_logs=False,
                do_xcom_push=False,
            ),
            method_name="execute_complete",
        )

    def execute_complete(self, context: Any, event: dict[str, Any], **kwargs: Any) -> Any:
        """Show what the pods said, and tell a failure that no retry mends from one that Airflow retries."""
        self._show_logs(event["name"], event["namespace"])
        try:
            return super().execute_complete(context, event, **kwargs)
        except AirflowException as error:
            if event["status"] == "error" and _NEVER_MENDED in event["message"]:
                raise AirflowFailException(str(error)) from error
            raise

    def _show_logs(self, job: str, namespace: str) -> None:
        """Logs are for people: whatever hinders them does not change the outcome."""
        try:
            pods = self.client.list_namespaced_pod(namespace, label_selector=f"{_JOB_LABEL}={job}").items
        except ApiException as error:
            self.log.warning("no logs of %s: %s", job, error.reason)
            return
        for pod in pods:
            self._write_logs(pod)
