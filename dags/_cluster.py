"""What the operators of pods and Jobs are given: the way to the API server, and patience with a cluster."""

from __future__ import annotations

import os
from typing import Any

from airflow.providers.cncf.kubernetes.utils.pod_manager import OnFinishAction

from components.core.params import Params

#: A kubeconfig for an API server outside this cluster (a stand-in, a trial); unset: the pod's own account.
KUBECONFIG_VARIABLE = "IRIS_KUBECONFIG"
_SECONDS_PER_HOUR = 3600


def pod_settings(params: Params) -> dict[str, Any]:
    """What every pod's operator is given. Each default of the provider that bites is set, with its reason."""
    kubernetes = params.platform.kubernetes
    return {
        **api_server(),
        "namespace": kubernetes.namespace,
        "deferrable": True,
        "poll_interval": kubernetes.poll_interval_s,
        "logging_interval": kubernetes.log_interval_s,  # None would show the log only after the end
        "do_xcom_push": False,  # no sidecar, hence none to secure
        "random_name_suffix": True,
        # falls back to startup_timeout_seconds = 120 s; a queued A100 job waits for hours
        "schedule_timeout_seconds": round(kubernetes.schedule_timeout_h * _SECONDS_PER_HOUR),
        "startup_timeout_seconds": kubernetes.startup_timeout_s,  # 120 s do not pull a CUDA image
        "startup_check_interval_seconds": kubernetes.poll_interval_s,
        "active_deadline_seconds": round(kubernetes.active_deadline_h * _SECONDS_PER_HOUR),
        "termination_grace_period": kubernetes.termination_grace_s,
        "termination_message_policy": "FallbackToLogsOnError",  # "File" would overwrite the template's
        "on_finish_action": OnFinishAction.DELETE_SUCCEEDED_POD,
        "log_pod_spec_on_failure": False,
        "durable": True,
    }


def api_server() -> dict[str, Any]:
    """One way to the API server, not two that may contradict each other."""
    config_file = os.environ.get(KUBECONFIG_VARIABLE)
    return {
        "in_cluster": None if config_file else True,
        "config_file": config_file,
        "kubernetes_conn_id": None,
    }
