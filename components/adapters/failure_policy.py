"""What the end of a pod means for its Job: the exit-code contract in Kubernetes' words."""

from __future__ import annotations

from typing import Any

from components.core.errors import EXIT_BAD_INPUT, EXIT_DEFECT

#: An exception that nobody caught: Python's own exit code.
_UNCAUGHT = 1


def pod_failure_policy(container: str) -> dict[str, Any]:
    """The ``podFailurePolicy`` of a Job; the API takes it only with ``restartPolicy: Never``.

    An eviction or preemption is no failure. Bad input and defects fail the Job at once, with the reason
    ``PodFailurePolicy``, by which the launcher knows that no retry mends it. Everything else (75, 143,
    killed) counts against ``backoffLimit``.

    Args:
        container: whose exit code tells.
    """
    never_mended = sorted((_UNCAUGHT, EXIT_BAD_INPUT, EXIT_DEFECT))
    return {
        "rules": [
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            {
                "action": "FailJob",
                "onExitCodes": {"containerName": container, "operator": "In", "values": never_mended},
            },
        ]
    }
