"""What a training run left, in a form that can be compared."""

from __future__ import annotations

import json
from pathlib import Path

from components.training.history import read_points


def everything(folder: Path) -> dict[str, object]:
    """The final checkpoint (generators and counters too), the curves and the model; clocks apart."""
    newest = max((folder / "checkpoints").glob("step_*"))
    files = {file.name: file.read_bytes() for file in newest.glob("*.safetensors")}
    state = json.loads((newest / "state.json").read_text())
    del state["counters"]["seconds"], state["counters"]["cpu_seconds"]
    curves = [(p.key, p.step, p.value) for p in read_points(folder / "points.jsonl")]
    delivered = (folder / "delivered" / "model.safetensors").read_bytes()
    return {"files": files, "state": state, "curves": curves, "delivered": delivered}


def curve(folder: Path) -> dict[tuple[str, int], float]:
    """(key, step) → value of every point."""
    return {(point.key, point.step): point.value for point in read_points(folder / "points.jsonl")}
