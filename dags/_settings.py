"""What every DAG here is built from, read once a parse: the project, its profile, its parameters."""

from __future__ import annotations

import os

from airflow.sdk import Asset

from components import catalogue
from components.core.paths import project_root

PROFILE_VARIABLE = "IRIS_PROFILE"
#: Emitted by ``ingest_recordings`` once new recordings are versioned; wakes ``retrain``.
CORPUS = Asset("iris_corpus", uri="iris://corpus/data")
#: Emitted by ``retrain`` once its report is written; wakes ``kpi_report``.
RETRAINED = Asset("iris_retrained", uri="iris://retraining/report")
#: Emitted by ``retrain`` when a model is promoted; wakes ``demo_video``.
CHAMPIONS = Asset("iris_champions", uri="iris://champions")

PROJECT = project_root()
PROFILE = os.environ.get(PROFILE_VARIABLE) or None
PARAMS = catalogue.load(PROJECT, PROFILE)
PROFILES = sorted(path.stem for path in (PROJECT / "profiles").glob("*.yaml"))
