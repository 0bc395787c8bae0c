"""The rules of a real API server that a stage pod could break; everything else is taken as it comes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import kubernetes_validate  # type: ignore[import-untyped]

from kube_standin.store import Manifest

Policy = Callable[[list[Manifest]], Iterator[str]]
VERSION = "1.34"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_LONGEST_NAME, _LONGEST_LABEL = 253, 63


class RefusedError(Exception):
    """Create refused: ``code`` 422 for what is not valid, 403 for what is not allowed."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def admit(pod: Manifest, policies: tuple[Policy, ...]) -> None:
    """Check a pod that somebody wants to create.

    Raises:
        RefusedError: with every reason in it.
    """
    if wrong := list(_invalid(pod)):
        raise RefusedError(422, f'Pod "{pod["metadata"].get("name")}" is invalid: {"; ".join(wrong)}')
    if wrong := [one for policy in policies for one in policy([pod])]:
        name = pod["metadata"]["name"]
        raise RefusedError(
            403, f'pods "{name}" is forbidden: violates PodSecurity "restricted": {"; ".join(wrong)}'
        )


def _invalid(pod: Manifest) -> Iterator[str]:
    name = pod["metadata"].get("name", "")
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        yield f"metadata.name: {name!r}"
    for key, value in (pod["metadata"].get("labels") or {}).items():
        if len(value) > _LONGEST_LABEL or not _LABEL_VALUE.fullmatch(value):
            yield f"metadata.labels[{key}]: {value!r}"
    try:
        kubernetes_validate.validate(pod, VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{'.'.join(map(str, error.path))}: {error.message}"
