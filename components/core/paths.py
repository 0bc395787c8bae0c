"""Where things lie: the project (code and parameters) and a workspace (everything a run writes)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from components.core.errors import ConfigError

PROJECT_ROOT_VARIABLE = "IRIS_PROJECT_ROOT"
#: Names a node's folder of data versions; set in pods that have one (`components.adapters.pod_spec`) only.
NODE_CACHE_VARIABLE = "IRIS_NODE_CACHE"
#: Held (below a workspace's ``locks``) by whoever writes ``data/`` and by whoever versions it.
DATA_LOCK = "data.lock"


def project_root() -> Path:
    """The folder that holds params.yaml: ``$IRIS_PROJECT_ROOT``, else upwards from here, else beside us.

    Raises:
        ConfigError: no params.yaml in any of these places.
    """
    named = os.environ.get(PROJECT_ROOT_VARIABLE)
    here = Path.cwd()
    beside_package = Path(__file__).resolve().parents[2]
    candidates = [Path(named)] if named else [here, *here.parents, beside_package]
    for candidate in candidates:
        if (candidate / "params.yaml").is_file():
            return candidate.resolve()
    raise ConfigError(
        who="params.yaml",
        expected="to lie in the current folder or above it",
        found=f"none from {candidates[0]} upwards",
        action=f"run inside the repository, or set {PROJECT_ROOT_VARIABLE}",
    )


@dataclass(frozen=True)
class Workspace:
    """One folder with everything that runs write. The demo's is ``artifacts/demo``; tests use a tmp folder.

    DVC lives in ``dvc_dir`` (the repository root in production, ``<root>/corpus`` when embedded), so a fresh
    clone stays clean after a demo. ``laid_out`` is where a pod that only reads has the run's data version, on
    its own node; None where the data lie in ``dvc_dir``.
    """

    root: Path
    dvc_dir: Path
    laid_out: Path | None = None

    @classmethod
    def embedded(cls, root: Path) -> Workspace:
        """A workspace that versions its own data below itself."""
        return cls(root=root.resolve(), dvc_dir=root.resolve() / "corpus")

    @classmethod
    def of_project(cls, project: Path) -> Workspace:
        """The production layout: DVC at the repository root, the rest under ``artifacts/``."""
        return cls(root=(project / "artifacts").resolve(), dvc_dir=project.resolve())

    @property
    def data(self) -> Path:
        """The corpora, one folder each; only ingest writes here and DVC versions it."""
        return self.laid_out or self.dvc_dir / "data"

    @property
    def data_pointer(self) -> Path:
        """``data.dvc``."""
        return self.dvc_dir / "data.dvc"

    @property
    def dvc_remote(self) -> Path:
        """The local DVC remote of an embedded run."""
        return self.root / "dvc-remote"

    @property
    def features(self) -> Path:
        """Memory-mapped feature arrays, one folder per feature key."""
        return self.root / "features"

    @property
    def validation(self) -> Path:
        """Validation results and Data Docs."""
        return self.root / "validation"

    @property
    def training(self) -> Path:
        """Checkpoints and training logs, one folder per model."""
        return self.root / "training"

    @property
    def evaluation(self) -> Path:
        """Evidence, per-utterance tables and samples, one folder per model."""
        return self.root / "evaluation"

    @property
    def decisions(self) -> Path:
        """Gate decisions, one file per model."""
        return self.root / "decisions"

    @property
    def reports(self) -> Path:
        """The xlsx, the notes and the review page."""
        return self.root / "reports"

    @property
    def listening(self) -> Path:
        """Results of listening tests, one JSON a test: by them the report notices a new one."""
        return self.root / "listening"

    @property
    def demonstration(self) -> Path:
        """What the promoted models say and show: an mp4, its label, captions and times."""
        return self.root / "demonstration"

    @property
    def experiments(self) -> Path:
        """Cells, plot and proposal of the GPU-optimisation experiment, one folder per model."""
        return self.root / "experiments"

    @property
    def records(self) -> Path:
        """One JSON per stage (and model): what ran, on what, and the hashes of what came out."""
        return self.root / "records"

    @property
    def heartbeats(self) -> Path:
        """One JSON per stage (and model) that runs in a process of its own: how far it is."""
        return self.root / "heartbeats"

    @property
    def ledger(self) -> Path:
        """The append-only promotion ledger (JSON lines)."""
        return self.root / "ledger.jsonl"

    @property
    def promotion_lock(self) -> Path:
        """The lease that promotions and rollbacks of this workspace hold."""
        return self.locks / "promotion.lock"

    @property
    def spool(self) -> Path:
        """Metrics waiting for the tracking server."""
        return self.root / "spool"

    @property
    def tracking_database(self) -> Path:
        """SQLite file of the embedded MLflow."""
        return self.root / "mlflow.db"

    @property
    def tracking_artifacts(self) -> Path:
        """Artefact folder of the embedded MLflow."""
        return self.root / "mlartifacts"

    @property
    def registry_cache(self) -> Path:
        """Registered weights fetched from a remote artefact store."""
        return self.root / "registry-cache"

    @property
    def locks(self) -> Path:
        """Lock files: dvc, promotion."""
        return self.root / "locks"
