"""A registry that only remembers; errors as the real one raises them."""

from __future__ import annotations

import uuid
from dataclasses import replace

from components.core.errors import BadInputError
from components.core.metrics import Evidence
from components.core.ports import ModelVersion


class MemoryRegistry:
    """Versions, aliases, tags and evidence of every model."""

    def __init__(self) -> None:
        self._versions: dict[tuple[str, str], ModelVersion] = {}
        self._aliases: dict[tuple[str, str], str] = {}
        self._evidence: dict[tuple[str, str], Evidence] = {}

    def candidate(self, evidence: Evidence) -> ModelVersion:
        number = str(1 + sum(model == evidence.model for model, _ in self._versions))
        version = ModelVersion(evidence.model, number, evidence.run_id, "", {})
        self._versions[evidence.model, number] = version
        self.attach_evidence(version, evidence)
        return version

    def by_version(self, model: str, version: str) -> ModelVersion:
        if (model, version) not in self._versions:
            raise BadInputError(who=version, expected="a version", found="none", action="look at MLflow")
        return self._versions[model, version]

    def by_alias(self, model: str, alias: str) -> ModelVersion | None:
        number = self._aliases.get((model, alias))
        return None if number is None else self.by_version(model, number)

    def set_alias(self, model: str, alias: str, version: str) -> None:
        self._aliases[model, alias] = version

    def set_version_tags(self, model: str, version: str, tags: dict[str, str]) -> None:
        old = self.by_version(model, version)
        self._versions[model, version] = replace(old, tags={**old.tags, **tags})

    def attach_evidence(self, version: ModelVersion, evidence: Evidence) -> None:
        self._evidence[version.model, version.version] = evidence

    def evidence_of(self, version: ModelVersion) -> Evidence | None:
        return self._evidence.get((version.model, version.version))


def run_id() -> str:
    """An id as MLflow makes them."""
    return uuid.uuid4().hex
