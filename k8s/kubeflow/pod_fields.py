"""What becomes of each field of a stage's pod under Kubeflow Pipelines: carried, set by its backend, or lost.

Needs no package, so that the compiler (in an environment with kfp) and our tests (in one without) read the
same list. A field that stands in none of the three is refused: somebody has to decide what becomes of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_POD = "spec"
_BOX = "spec.containers[]"

#: Compiled into the pipeline.
CARRIED = (
    "metadata.labels",
    f"{_POD}.activeDeadlineSeconds",
    f"{_POD}.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution",
    f"{_POD}.tolerations",
    f"{_POD}.securityContext.runAsNonRoot",
    f"{_POD}.securityContext.runAsUser",
    f"{_POD}.securityContext.runAsGroup",
    f"{_BOX}.image",
    f"{_BOX}.command",
    f"{_BOX}.env[].name",
    f"{_BOX}.env[].value",
    f"{_BOX}.envFrom[].secretRef.name",
    f"{_BOX}.resources.requests.cpu",
    f"{_BOX}.resources.requests.memory",
    f"{_BOX}.resources.limits.cpu",
    f"{_BOX}.resources.limits.memory",
    f"{_BOX}.resources.limits.nvidia.com/gpu",
    f"{_BOX}.volumeMounts[].name",
    f"{_BOX}.volumeMounts[].mountPath",
    f"{_POD}.volumes[].name",
    f"{_POD}.volumes[].persistentVolumeClaim.claimName",
    f"{_POD}.volumes[].emptyDir.medium",
    f"{_POD}.volumes[].emptyDir.sizeLimit",
)

#: The backend sets these itself, to the same effect.
BY_BACKEND = (
    "apiVersion",
    "kind",
    "metadata.name",
    "metadata.namespace",
    f"{_POD}.restartPolicy",
    f"{_POD}.securityContext.seccompProfile.type",
    f"{_BOX}.name",
    f"{_BOX}.securityContext.allowPrivilegeEscalation",
    f"{_BOX}.securityContext.capabilities.drop[]",
    f"{_BOX}.resources.requests.nvidia.com/gpu",  # equal to the limit by the API's own rule
)

#: Nothing in a pipeline says these; docs/adr/0018 tells what follows.
LOST = (
    f"{_POD}.priorityClassName",
    f"{_POD}.serviceAccountName",
    f"{_POD}.terminationGracePeriodSeconds",
    f"{_POD}.automountServiceAccountToken",
    f"{_POD}.enableServiceLinks",
    f"{_POD}.securityContext.fsGroup",
    f"{_POD}.securityContext.fsGroupChangePolicy",
    f"{_BOX}.securityContext.readOnlyRootFilesystem",
    f"{_BOX}.terminationMessagePolicy",
    f"{_BOX}.resources.requests.ephemeral-storage",
    f"{_BOX}.resources.limits.ephemeral-storage",
    f"{_BOX}.volumeMounts[].subPath",
)


def fields(value: Any, path: str = "") -> Iterator[str]:
    """The paths of all leaves; the members of a list share one path, ``name[]``."""
    if path in CARRIED and not isinstance(value, str):
        yield path  # carried whole
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from fields(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from fields(inner, f"{path}[]")
    else:
        yield path


def undecided(pod: dict[str, Any]) -> list[str]:
    """What of a pod nobody has decided about, or a pipeline cannot have at all."""
    found = sorted(set(fields(pod)) - {*CARRIED, *BY_BACKEND, *LOST})
    words = pod["spec"]["containers"][0]["command"]
    return found + [f"{_BOX}.command: {word} (of a Job over several nodes)" for word in words if "$(" in word]
