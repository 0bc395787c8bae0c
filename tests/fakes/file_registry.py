"""A registry whose aliases lie in a file, so that they outlive a process that is killed between two lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from components.core.metrics import Evidence
from components.core.ports import ModelVersion
from components.core.storage import sha256_json


@dataclass(frozen=True)
class FileRegistry:
    """What promotion uses of `components.core.ports.ModelRegistry`; versions by number."""

    folder: Path
    known: Mapping[str, Evidence]

    def by_alias(self, model: str, alias: str) -> ModelVersion | None:
        number = self._aliases().get(alias)
        return self.by_version(model, number) if number else None

    def by_version(self, model: str, version: str) -> ModelVersion:
        return ModelVersion(model, version, self.known[version].run_id, "", {})

    def set_alias(self, model: str, alias: str, version: str) -> None:
        self._write({**self._aliases(), alias: version})

    def delete_alias(self, model: str, alias: str) -> None:
        self._write({name: number for name, number in self._aliases().items() if name != alias})

    def evidence_of(self, version: ModelVersion) -> Evidence | None:
        return self.known[version.version]

    def _aliases(self) -> dict[str, str]:
        path = self.folder / "aliases.json"
        found: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
        return found

    def _write(self, aliases: Mapping[str, str]) -> None:
        """As a database does it: the one or the other, nothing in between."""
        whole = self.folder / f"aliases-{sha256_json(aliases)[:8]}"
        whole.write_text(json.dumps(dict(aliases)), "utf-8")
        whole.rename(self.folder / "aliases.json")
