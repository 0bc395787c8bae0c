"""The Kubernetes launcher: one pod a stage, on an A100 node where the stage needs one.

The provider's operator creates, watches (deferred), finds again after a restart of Airflow, and shows the
log. What is ours: the key of the attempt, what follows from a pod's end (`components.adapters.pod_end`),
another pod for one that was evicted or is gone, and patience with an API server that is away. Results are
read from the record of the attempt, so a pod that vanished after success, or ran twice, does no harm.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from _cluster import pod_settings
from _launching import (
    WORKSPACE_VARIABLE,
    chosen,
    key_of,
    nothing_to_collect,
    skip_nothing_to_collect,
    skip_refused,
    skip_unchosen,
    workspace_of,
)
from _patience import patiently
from airflow.providers.cncf.kubernetes.operators.pod import FoundMoreThanOnePodFailure, KubernetesPodOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from kubernetes.client import ApiException, V1EnvVar, V1Pod

from components import catalogue
from components.adapters.pod_end import PodEnd, Then, is_over, pod_end, vanished
from components.adapters.pod_spec import ATTEMPT, render_pod
from components.core.attempt import ATTEMPT_VARIABLE, Ending
from components.core.errors import CorruptFileError, NothingToCollectError
from components.core.params import Params, params_sha
from components.core.spending import submission
from components.core.stage_command import stage_command
from components.core.stage_graph import Stage
from components.core.stage_graph import stage as stage_named

_NOT_FOUND, _CONFLICT = 404, 409
#: Refusals that the same pod would get again.
_INVALID = frozenset({400, 422})
#: What the trigger carries through the deferral, beside what the provider puts there.
_KEY, _PODS = "iris_attempt", "iris_pods"


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
        kubernetes = params_of_profile.platform.kubernetes
        pod = render_pod(stage, model, params_of_profile, project, command=())
        super().__init__(pod_template_dict=pod, **kwargs)
        self.stage, self.model, self.options, self.project = stage.name, model, tuple(options), project
        self.api_patience_s, self.pods_per_attempt = kubernetes.api_patience_s, kubernetes.pods_per_attempt
        self.MAX_REDEFER_ATTEMPTS = kubernetes.api_outages
        self._pods = 1

    def execute(self, context: Any) -> Any:
        """Submit the pod and wait for it, unless the run leaves the model out or there is nothing to do."""
        skip_unchosen(self.model, context["params"])
        if WORKSPACE_VARIABLE in os.environ:
            skip_nothing_to_collect(stage_named(self.stage), workspace_of(self.project))
        return super().execute(context)

    def build_pod_request_obj(self, context: Any = None, *, dry_run: bool = False) -> V1Pod:
        """The pod that `dry-run` prints for this choice, with the key of the attempt on and in it."""
        if context is None:
            return super().build_pod_request_obj(context, dry_run=dry_run)
        choice = context["params"]
        profile, force = choice.get("profile"), bool(choice.get("force"))
        params = catalogue.load(self.project, profile)
        command = stage_command(self.stage, self.model, profile, force, chosen(choice, self.options))
        self.pod_template_dict = render_pod(
            stage_named(self.stage), self.model, params, self.project, command
        )
        pod = super().build_pod_request_obj(context, dry_run=dry_run)
        key, parts = key_of(context, self.stage, self.model, params_sha(params))
        # not among the operator's labels: those select the pod of an earlier try, whose key is another one
        pod.metadata.labels[ATTEMPT] = key
        told = {f"iris/{name.replace('_', '-')}": str(value) for name, value in parts.items()}
        pod.metadata.annotations = {**(pod.metadata.annotations or {}), **told, ATTEMPT: key}
        told_inside = ((ATTEMPT_VARIABLE, key), submission(datetime.now(UTC)))
        pod.spec.containers[0].env += [V1EnvVar(name=name, value=value) for name, value in told_inside]
        return pod

    def get_or_create_pod(self, pod_request_obj: V1Pod, context: Any) -> V1Pod:
        """The pod that an earlier try of this task left behind, else a new one.

        A pod that goes on is watched on, one that has ended meanwhile is judged like any other. The provider
        would delete one that succeeded and run it again.
        """

        def found_or_created() -> V1Pod:
            found = self._get_pod_from_task_state_store(context)
            found = found or self.find_pod(pod_request_obj.metadata.namespace, context=context)
            if found is None:
                return self._created(pod_request_obj, context)
            self._persist_pod_identity_to_task_state_store(context, found)
            return found

        return self._patiently(found_or_created)

    def find_pod(self, namespace: str, context: Any, *, exclude_checked: bool = True) -> V1Pod | None:
        """The pod of this task; of several the newest, and the others are taken down."""
        try:
            return super().find_pod(namespace, context, exclude_checked=exclude_checked)
        except FoundMoreThanOnePodFailure:
            selector = self._build_find_pod_label_selector(context, exclude_checked=exclude_checked)
            twins = self.client.list_namespaced_pod(namespace=namespace, label_selector=selector).items
            *others, newest = sorted(twins, key=lambda pod: pod.metadata.creation_timestamp)
            for other in others:
                self.patch_already_checked(other, reraise=False)
                self._take_down(other)
            return newest

    def invoke_defer_method(self, last_log_time: Any = None, context: Any = None) -> None:
        """Defer; the key of the pod that is watched goes along, because the pod may be gone afterwards."""
        key = (self.pod.metadata.annotations or {}).get(ATTEMPT, "")
        self.trigger_kwargs = {**(self.trigger_kwargs or {}), _KEY: key, _PODS: self._pods}
        super().invoke_defer_method(last_log_time=last_log_time, context=context)

    def trigger_reentry(self, context: Any, event: dict[str, Any]) -> Any:
        """The trigger saw the pod's end, or gave up: end the task, or go on with another pod."""
        self._pods = int(event.get(_PODS, 1))
        try:
            self._patiently(super().trigger_reentry, context, event)
        except (AirflowFailException, AirflowSkipException):
            raise
        except AirflowException as error:
            self.log.info("%s: %s", event["status"], str(error).splitlines()[:1])
        key = str(event.get(_KEY, ""))
        end = self._end(event, key)
        if self.pod is not None and not is_over(self._plain(self.pod)):
            self._take_down(self.pod)
        return self._follow(context, event, key, end)

    def _end(self, event: Mapping[str, Any], key: str) -> PodEnd:
        """How the attempt ended: by the pod if it is there, by the record if it is gone."""
        if self.pod is not None:
            overdue = time.time() >= event.get("_execution_deadline", float("inf"))
            return pod_end(self._plain(self.pod), self.base_container_name, overdue)
        end = vanished(str(event["name"]))
        recorded = self._recorded(key)
        if event["status"] != "success" and recorded is None:
            return end
        self.log.info("Pod %s is gone, its work is done", event["name"])
        return PodEnd("succeeded", Then.DONE, end.message, ending=recorded)

    def _follow(self, context: Any, event: Mapping[str, Any], key: str, end: PodEnd) -> Any:
        if end.then is Then.DONE:
            return self._done(key, end)
        told = end.ending
        if told and told.error == NothingToCollectError.__name__:
            raise nothing_to_collect()
        own, _ = self._own_key(context)
        if end.then is Then.AGAIN or (end.then is Then.RETRY and key != own and event["status"] != "timeout"):
            return self._again(context, end)
        raise (AirflowFailException if end.then is Then.FAIL else AirflowException)(end.message)

    def _done(self, key: str, end: PodEnd) -> dict[str, Any]:
        told = self._recorded(key) or end.ending
        if told is None:
            self.log.warning("Stage %s succeeded; its record is not visible from here", self.stage)
            return {"state": "done", "verdict": ""}
        skip_refused(told.state, told.verdict)
        return {"state": told.state, "verdict": told.verdict}

    def _again(self, context: Any, end: PodEnd) -> None:
        """Another pod for the same attempt; it resumes, or finds the work done."""
        if self._pods >= self.pods_per_attempt:
            raise AirflowException(f"{end.message} Pods used up in this attempt: {self._pods}.")
        self.log.warning("%s Starting pod %d of this attempt.", end.message, self._pods + 1)
        self._pods += 1
        self.trigger_kwargs = None
        self.pod_request_obj = self.build_pod_request_obj(context)
        self.pod = self._patiently(self._created, self.pod_request_obj, context)
        self.invoke_defer_method(context=context)

    def _created(self, pod: V1Pod, context: Any) -> V1Pod:
        try:
            self.pod_manager.run_pod_async(pod)
        except ApiException as error:
            if error.status in _INVALID:
                raise AirflowFailException(f"The API server refuses the pod: {error.body}") from error
            if error.status != _CONFLICT or not self._is_there(pod):
                raise
            # created by a call whose answer was lost
        self._persist_pod_identity_to_task_state_store(context, pod)
        return pod

    def _is_there(self, pod: V1Pod) -> bool:
        try:
            self.hook.get_pod(pod.metadata.name, pod.metadata.namespace)
        except ApiException as error:
            if error.status != _NOT_FOUND:
                raise
            return False
        return True

    def _take_down(self, pod: V1Pod) -> None:
        """Delete a pod that nobody waits for any longer: it would hold a GPU, or take one some day."""

        def delete() -> None:
            try:
                self.client.delete_namespaced_pod(
                    pod.metadata.name,
                    pod.metadata.namespace,
                    grace_period_seconds=self.termination_grace_period,
                )
            except ApiException as error:
                if error.status != _NOT_FOUND:
                    raise

        if not is_over(self._plain(pod)):
            self._patiently(delete)

    def _recorded(self, key: str) -> Ending | None:
        """What the record of this attempt says; None without one, or where no storage is mounted."""
        from components.stages.records import read_record

        if WORKSPACE_VARIABLE not in os.environ:
            return None
        try:
            record = read_record(workspace_of(self.project), self.stage, self.model)
        except CorruptFileError as error:
            self.log.warning("%s", error)
            return None
        if record is None or not key or record.attempt != key:
            return None
        return Ending(key, record.state, verdict=str(record.summary.get("verdict", "")))

    def _own_key(self, context: Any) -> tuple[str, dict]:
        params = catalogue.load(self.project, context["params"].get("profile"))
        return key_of(context, self.stage, self.model, params_sha(params))

    def _plain(self, pod: V1Pod) -> dict[str, Any]:
        return self.client.api_client.sanitize_for_serialization(pod)

    def _patiently(self, call: Callable[..., Any], *given: Any) -> Any:
        return patiently(call, *given, seconds=self.api_patience_s, pause_s=self.poll_interval, log=self.log)


def pod_task(
    stage: Stage,
    model: str | None,
    params: Params,
    project: Path,
    options: Sequence[str],
    settings: Mapping[str, Any],
) -> KubernetesPodOperator:
    """The operator of a stage; ``settings`` are the BaseOperator arguments every launcher shares."""
    return StagePodOperator(
        stage=stage,
        model=model,
        params_of_profile=params,
        project=project,
        options=options,
        **pod_settings(params),
        **settings,
    )
