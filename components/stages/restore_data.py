"""``restore-data``: the data of any past run, laid out in a folder of its own."""

from __future__ import annotations

import re
from pathlib import Path

from components.core.errors import ConfigError, DataError
from components.core.params import Params
from components.core.paths import Workspace
from components.core.ports import DataVersion
from components.stages import services
from components.stages.version import pointer_copy

_MD5_TAG = "data_md5"
_MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")
_RUNS_SEARCHED = 10_000


def restore(
    params: Params, workspace: Workspace, *, run_id: str | None, md5: str | None, target: Path
) -> DataVersion:
    """Lay out the data of MLflow run ``run_id``, or of version ``md5``, in the empty folder ``target``.

    The pointer kept by the version stage is used where it is at hand; the md5 alone is enough, because it
    names the list of files in cache and remote.

    Raises:
        ConfigError: neither or both are given.
        DataError: no such run, a run without a data version, no md5, or a target with content.
        CorruptFileError, RemoteUnavailableError: the version is not to be had; ``target`` is as it was.
    """
    if (run_id is None) == (md5 is None):
        raise ConfigError(
            who="restore-data",
            expected="either --run or --md5",
            found="both" if run_id else "neither",
            action="name the run, or the data version that the reports show",
        )
    wanted = md5 if md5 is not None else _md5_of_run(params, workspace, run_id or "")
    if not _MD5.fullmatch(wanted):
        raise DataError(
            who="--md5",
            expected="32 hexadecimal digits, with or without .dir",
            found=repr(wanted[:60]),
            action="copy it from the report, the run's tag data_md5 or data.dvc",
        )
    version_md5 = wanted if wanted.endswith(".dir") else f"{wanted}.dir"
    kept = pointer_copy(workspace, version_md5)
    pointer = kept.read_text(encoding="utf-8") if kept.is_file() else f"outs:\n- md5: {version_md5}\n"
    return services.data_versions_of(params.data.dvc, workspace).restore(pointer, target)


def _md5_of_run(params: Params, workspace: Workspace, run_id: str) -> str:
    runs = services.tracker_of(params.platform.mlflow, workspace).runs(None, _RUNS_SEARCHED)
    for run in runs:
        if run.run_id == run_id:
            if run.tags.get(_MD5_TAG):
                return run.tags[_MD5_TAG]
            break
    known = any(run.run_id == run_id for run in runs)
    raise DataError(
        who=f"run {run_id}",
        expected=f"an MLflow run with the tag {_MD5_TAG}",
        found="one without it" if known else "no such run",
        action="list the runs with `python -m components kpi`",
    )
