"""gpu_experiment: every cell of ``experiment`` predicted, on a GPU also measured; the winner is proposed.

Nothing here is evidence of a candidate, and nothing is applied. Its MLflow experiment is one of its own, so
that no report takes a simulated figure for a training's.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components import catalogue
from components.core.errors import ConfigError
from components.core.params import narrowed
from components.core.provenance import cpu_label
from components.core.storage import atomic_file, sha256_path, write_json, write_text
from components.models.vallex.params import Section
from components.stages import services
from components.stages.contract import Outcome, StageContext

if TYPE_CHECKING:
    from components.simulation.devices import Device
    from components.simulation.experiment import Cell

_MODEL = "vallex"


def run(context: StageContext) -> Outcome:
    """Predict, measure, write cells.json, cells.csv, cells.png and params.diff, log a run.

    Raises:
        ConfigError: a model without an experiment, or a device without a data sheet.
    """
    from components.simulation.calibration import fitted
    from components.simulation.devices import device
    from components.simulation.experiment import experiment, winner
    from components.simulation.grid import grid
    from components.simulation.measuring import meter_here
    from components.simulation.proposal import proposal

    section, params = _section(context), context.params.experiment
    chosen, efficiency, meter = device(params.device), fitted(), meter_here()
    here = meter.label if meter else "no GPU here: every cell is simulated"
    context.progress.say(f"{chosen.name}, predicted ± {100 * efficiency.error:.0f} %; {here}")
    made = experiment(section.architecture, params, chosen, efficiency, meter)
    cells = list(context.progress.track(made, sum(1 for _ in grid(params))))
    best = winner(cells, section.architecture.context_tokens) or winner(cells, 0)
    origin = f"{best.measured.device if best and best.measured else chosen.name}, profile {context.profile}"
    origin += f", commit {context.git_sha[:7]}"
    told = "# nothing fits: no proposal\n"
    if best is not None:
        # The profile's rows of a step are not those of the file that the diff is about.
        base = narrowed(catalogue.load(context.project, None).models[_MODEL], Section)
        if base.architecture != section.architecture:
            origin += "; at the sizes of that profile, which say nothing about params.yaml's: do not apply"
        text = (context.project / "params.yaml").read_text(encoding="utf-8")
        told = proposal(text, base, best, origin)
    summary = _summary(context, cells, best, chosen, meter.label if meter else "")
    folder = context.workspace.experiments / _MODEL
    outputs = _written(context, folder, cells, chosen, told, summary)
    _log(context, cells, summary, folder)
    context.progress.say(f"winner: {summary['winner']} ({summary['evidence']}); {outputs['proposal']}")
    return Outcome(outputs=outputs, summary=summary)


def fingerprint(context: StageContext) -> Mapping[str, str]:
    """On another device it is measured anew, and the pipeline's networks have sizes of their own."""
    from components.simulation.measuring import meter_here

    meter = meter_here()
    return {
        "gpu": meter.label if meter else "",
        "params.yaml": sha256_path(context.project / "params.yaml"),
    }


def _section(context: StageContext) -> Section:
    if context.model != _MODEL:
        raise ConfigError(
            who=f"stage {context.stage}",
            expected=f"--model {_MODEL}: the only training step that is written for it",
            found=str(context.model),
            action="name that model, or see `python -m components simulate-memory` for others",
        )
    return narrowed(context.section, Section)


def _summary(
    context: StageContext, cells: Sequence[Cell], best: Cell | None, device: Device, measured_on: str
) -> dict[str, Any]:
    from components.simulation.calibration import fitted
    from components.simulation.measuring import OUT_OF_MEMORY

    failures = Counter(cell.measured.failure for cell in cells if cell.measured and cell.measured.failure)
    return {
        "evidence": "measured" if measured_on else "simulated",
        "device": measured_on or cpu_label(),
        "predicted_device": device.name,
        "predicted_error": fitted().error,
        "cells": len(cells),
        "predicted_not_to_fit": sum(not cell.predicted.fits for cell in cells),
        "out_of_memory": failures.pop(OUT_OF_MEMORY, 0),
        "other_failures": dict(failures),
        "winner": best.setting.told if best else "none",
        "winner_codes_per_second": round(best.codes_per_second, 1) if best else 0.0,
        "profile": context.profile,
    }


def _written(
    context: StageContext,
    folder: Path,
    cells: Sequence[Cell],
    device: Device,
    proposal: str,
    summary: Mapping[str, Any],
) -> dict[str, Path]:
    from components.simulation.experiment_plot import draw

    rows = [cell.row() for cell in cells]
    names = {"cells": "cells.json", "table": "cells.csv", "plot": "cells.png", "proposal": "params.diff"}
    outputs = {name: folder / file for name, file in names.items()}
    write_json(outputs["cells"], {**summary, "training": rows, "inference": _inference(context, device)})
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(outputs["table"], sheet.getvalue())
    with atomic_file(outputs["plot"]) as temporary:
        draw(cells, device, f"VALL-E X, profile {context.profile}", temporary)
    write_text(outputs["proposal"], proposal)
    return outputs


def _inference(context: StageContext, device: Device) -> list[dict[str, Any]]:
    """The pipeline at the papers' sizes in each of its settings; simulated, whatever device is here."""
    from components.stages.simulate import latency_rows

    lengths = tuple(context.params.experiment.speech_s)
    return latency_rows(context.project, device, lengths) if lengths else []


def _log(context: StageContext, cells: Sequence[Cell], summary: Mapping[str, Any], folder: Path) -> None:
    from components.training.history import points_now

    mlflow = context.params.platform.mlflow
    own = mlflow.model_copy(update={"experiment": f"{mlflow.experiment}-gpu"})
    tags = {
        "stage": context.stage,
        "model": _MODEL,
        "profile": context.profile,
        "git_sha": context.git_sha,
        "params_sha": context.params_sha,
        "evidence": str(summary["evidence"]),
        "predicted_device": str(summary["predicted_device"]),
        "device": str(summary["device"]),
        "winner": str(summary["winner"]),
    }
    run = services.tracker_of(own, context.workspace).start_run(f"{_MODEL} gpu {context.profile}", tags)
    run.log_params({"grid": context.params.experiment.model_dump_json()})
    for number, cell in enumerate(cells):
        row = cell.row()
        figures = {
            name: float(row[name])
            for name in (
                "codes_per_second", "predicted_ms", "predicted_gib",
                "measured_p50_ms", "measured_p95_ms", "measured_allocated_gib", "measured_reserved_gib",
            )
            if row[name] is not None
        }  # fmt: skip
        run.log_points(points_now(number, figures))
    run.log_folder(folder, "experiment")
    run.finish("FINISHED")
