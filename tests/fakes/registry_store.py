"""A real MLflow on SQLite in a test's own folder; the schema is migrated once a session and then copied."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from components.adapters.mlflow_registry import MlflowRegistry
from components.core.metrics import Evidence
from components.core.ports import ModelVersion
from components.data.consent import ConsentRecord

SPEAKER = "ko_a"
CONSENT = ConsentRecord.of_licence("licence-ko_a", SPEAKER)


@cache
def _migrated() -> Path:
    from mlflow import MlflowClient

    path = Path(tempfile.mkdtemp(prefix="iris-test-mlflow-")) / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@dataclass(frozen=True)
class RegistryStore:
    """A folder with ``mlflow.db`` and an experiment whose artefacts lie beside it."""

    folder: Path

    @classmethod
    def in_folder(cls, folder: Path) -> RegistryStore:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(_migrated(), folder / "mlflow.db")
        return cls(folder)

    @property
    def uri(self) -> str:
        return f"sqlite:///{self.folder / 'mlflow.db'}"

    def registry(self) -> MlflowRegistry:
        return MlflowRegistry(self.uri, cache=self.folder / "registry-cache", request_timeout_s=5)

    def run(self, experiment: str = "iris-retraining", **tags: str) -> str:
        """A finished run's id."""
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=self.uri)
        known = client.get_experiment_by_name(experiment)
        place = (self.folder / "mlartifacts").as_uri()
        number = (
            known.experiment_id if known else client.create_experiment(experiment, artifact_location=place)
        )
        run_id: str = client.create_run(number, tags=tags).info.run_id
        client.set_terminated(run_id)
        return run_id

    def candidate(self, evidence: Evidence, weights: bytes = b"weights") -> ModelVersion:
        """A registered version of that evidence's run, the evidence attached."""
        source = delivered(self.folder / f"delivered-{evidence.run_id}", weights)
        registry = self.registry()
        version = registry.register(evidence.model, evidence.run_id, source, {})
        registry.attach_evidence(version, evidence)
        return version


def delivered(folder: Path, weights: bytes = b"weights") -> Path:
    """A delivered folder as training leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(weights)
    card = {"card": {"consents": {SPEAKER: CONSENT.consent_id}}}
    (folder / "model.json").write_text(json.dumps(card), encoding="utf-8")
    return folder
