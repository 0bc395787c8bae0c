"""What a run came to, without what differs from run to run: clocks, run ids, texts with a date in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.core.metrics import Evidence
from components.core.paths import Workspace
from components.stages.records import read_record

#: Outputs that are the same bytes whenever data, code and parameters are the same.
SAME_BYTES: Mapping[str, tuple[str, ...]] = {
    "ingest": ("data", "manifest_summary", "rejected"),
    "version": ("data_dvc", "pointer"),
    "validate": ("result",),
    "features": ("store",),
    "adopt": (),
    "train": ("delivered", "curves"),
    "evaluate": (),
    "gate": (),
    "promote": (),
    "report": (),
}
_BY_THE_CLOCK = ("latency", "rtf", "stream_", "tokens_per_s", "frames_per_second")
_OF_ONE_RUN = {"run_id", "git_sha", "device"}


def outputs(workspace: Workspace, stage: str, model: str | None) -> dict[str, str]:
    """sha256 of the outputs of a stage that must be the same bytes."""
    record = read_record(workspace, stage, model)
    assert record is not None, f"no record of {stage}"
    assert set(SAME_BYTES[stage]) <= set(record.outputs)
    return {name: record.outputs[name]["sha256"] for name in SAME_BYTES[stage]}


def metrics(workspace: Workspace, model: str) -> dict[str, dict[str, Any]]:
    """Everything about the metrics of a model that no clock measured, each sentence's value included."""
    record = read_record(workspace, "evaluate", model)
    assert record is not None
    evidence = Evidence.model_validate_json(record.output(workspace.root, "evidence").read_bytes())
    found = {
        one.name: one.model_dump(exclude=_OF_ONE_RUN)
        for one in evidence.metrics
        if not one.name.startswith(_BY_THE_CLOCK)
    }
    assert found, "nothing but clocks was compared"
    return found


def verdict(workspace: Workspace, model: str) -> tuple[str, str]:
    """The gate's verdict and the version it registered."""
    record = read_record(workspace, "gate", model)
    assert record is not None
    return str(record.summary["verdict"]), str(record.summary["version"])
