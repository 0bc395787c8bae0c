"""export-params: the parameter sheet from params.yaml alone, every measured cell 미측정."""

from __future__ import annotations

from pathlib import Path

from components import catalogue
from components.core.provenance import lock_sha
from components.reporting.inputs import DataReport, ReportInputs
from components.reporting.parameter_sheet import file_name, write_parameter_sheet

_FOLDER = Path("docs") / "models"


def inputs_without_runs(project: Path, profile: str | None) -> ReportInputs:
    """What a report knows before anything has run.

    Raises:
        ConfigError: params.yaml or the profile does not fit the schema.
    """
    return ReportInputs(
        params=catalogue.load(project, profile),
        base=catalogue.load(project, None),
        models=(),
        runs=(),
        data=DataReport(None, "", {}, {}, ""),
        records=(),
        git_sha="",
        lock_sha=lock_sha(project),
        stamp=None,
        previous=None,
    )


def export_params(project: Path, profile: str | None = None, target: Path | None = None) -> Path:
    """Write the sheet (``docs/models/model_params_v<version>.xlsx`` unless ``target`` is given).

    Raises:
        ConfigError: params.yaml or the profile does not fit the schema.
        StorageError: the place cannot be written.
    """
    inputs = inputs_without_runs(project, profile)
    path = target or project / _FOLDER / file_name(inputs)
    write_parameter_sheet(inputs, path)
    return path
