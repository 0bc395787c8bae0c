"""Stage records on disk: one JSON each, the trace from a report back to data and code."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path

from components.core.errors import CorruptFileError, MissingOutputError
from components.core.paths import Workspace
from components.core.storage import sha256_path, write_json
from components.stages.contract import Record, StageContext


def record_path(workspace: Workspace, stage: str, model: str | None) -> Path:
    """``records/<stage>.json`` or ``records/<stage>.<model>.json``."""
    return workspace.records / (f"{stage}.json" if model is None else f"{stage}.{model}.json")


def read_record(workspace: Workspace, stage: str, model: str | None) -> Record | None:
    """The record, or None where the stage has not run.

    Raises:
        CorruptFileError: the file is not a record.
    """
    path = record_path(workspace, stage, model)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        values.setdefault("attempt", "")  # records written before attempts had keys
        return Record(**{f.name: values[f.name] for f in fields(Record)})
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptFileError(
            who=str(path),
            expected="a stage record (JSON)",
            found=f"{type(error).__name__}: {error}",
            action=f"delete it; stage {stage} then runs again",
        ) from error


def write_record(workspace: Workspace, record: Record) -> None:
    """Write a record atomically."""
    write_json(record_path(workspace, record.stage, record.model), asdict(record))


def hashed_outputs(root: Path, outputs: Mapping[str, Path], stage: str) -> dict[str, dict[str, str]]:
    """Relative path and sha256 of each output.

    Raises:
        MissingOutputError: an output is absent or empty: the stage did not do what it says.
    """
    hashed = {}
    for name, path in outputs.items():
        empty = not path.exists() or (not any(path.iterdir()) if path.is_dir() else path.stat().st_size == 0)
        if empty:
            raise MissingOutputError(
                who=f"stage {stage}: output {name!r}",
                expected=f"a file or folder with content at {path}",
                found="nothing there" if not path.exists() else "it is empty",
                action="this is a defect of the stage; its record was not written",
            )
        hashed[name] = {"path": os.path.relpath(path, root), "sha256": sha256_path(path)}
    return hashed


def outputs_intact(root: Path, record: Record) -> bool:
    """Whether every recorded output is still there with the recorded bytes."""
    return all(
        (root / output["path"]).exists() and sha256_path(root / output["path"]) == output["sha256"]
        for output in record.outputs.values()
    )


def intact_input(context: StageContext, stage: str, name: str) -> Path:
    """An upstream output with the very bytes that its stage recorded; for what a verdict rests on.

    Raises:
        CorruptFileError: somebody has written into it since.
    """
    path, recorded = context.input(stage, name), context.upstream[stage].outputs[name]["sha256"]
    found = sha256_path(path) if path.exists() else "no file"
    if found != recorded:
        raise CorruptFileError(
            who=str(path),
            expected=f"sha256 {recorded[:12]}, as stage {stage} left it",
            found=found[:12],
            action=f"find out who changed it, then run {stage} again; nothing was judged or promoted",
        )
    return path
