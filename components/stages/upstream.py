"""The records of what a stage builds on."""

from __future__ import annotations

from components import catalogue
from components.core.errors import ConfigError, NothingToCollectError
from components.core.paths import Workspace
from components.core.retraining import owners
from components.core.stage_graph import REVIEWS, STAGES, Stage
from components.core.stage_graph import stage as stage_named
from components.stages.contract import Record
from components.stages.records import read_record


def upstream_records(stage: Stage, workspace: Workspace, model: str | None) -> dict[str, Record]:
    """The records of everything upstream, near and far (``evaluate`` sees ``features`` too).

    A stage over all models (report) sees each model's records as ``<stage>.<model>``; models that did not
    run are absent there, everything else is required.
    """
    records: dict[str, Record] = {}
    for needed in _ancestors(stage):
        collects = needed.per_model and not stage.per_model
        chosen = catalogue.trainable() if collects else (model,) if model else ()
        for one in owners(needed, chosen, catalogue.further_stages()):
            record = read_record(workspace, needed.name, one)
            if record:
                records[f"{needed.name}.{one}" if collects else needed.name] = record
            elif not collects:
                raise _missing(stage, workspace)(
                    who=f"stage {stage.name}" + (f" of {model}" if model else ""),
                    expected=f"stage {needed.name} to have run in {workspace.root}",
                    found="no record of it",
                    action=f"run `python -m components {needed.name}` first, or all with `make demo`",
                )
    return records


def _missing(stage: Stage, workspace: Workspace) -> type[ConfigError]:
    """The error about a missing record: a launcher skips a stage that has nothing to collect."""
    collects = not stage.per_model and any(stage_named(needed).per_model for needed in stage.needs)
    nothing = (collects or stage in REVIEWS) and read_record(workspace, "validate", None) is None
    return NothingToCollectError if nothing else ConfigError


def _ancestors(stage: Stage) -> list[Stage]:
    wanted: set[str] = set()
    pending = list(stage.needs)
    while pending:
        name = pending.pop()
        if name not in wanted:
            wanted.add(name)
            pending += stage_named(name).needs
    return [s for s in STAGES if s.name in wanted]
