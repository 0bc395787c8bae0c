"""Fits what kernels reach to published times and tells how wrong the rest is.

    python -m components.simulation.calibration [--write]

Rows with the role ``fit`` are fitted, ``held_out`` ones judged, ``reported`` ones only shown: an eager loop
of another library says how slow that library's Python is. What no row tells apart is set, not fitted: large
matrix products, attention, the shortest kernel.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from components.core.paths import project_root
from components.simulation import workloads
from components.simulation.building import Pass, a_pass, built, ids
from components.simulation.cost import Efficiency, Mode, mean_error, seconds_of
from components.simulation.devices import device
from components.simulation.sizes import Sizes

_ROWS = Path(__file__).with_name("published.csv")
_FITTED = Path(__file__).with_name("efficiency.json")
_SECONDS = 8.05
"""Of speech in NVIDIA's rows: 128 characters."""
_START = {
    "convolution": 0.3,
    "scalar": 0.6,
    "memory": 0.7,
    "host_s": 8.0e-6,
}
_BOUNDS = {
    "matmul": (0.7, 0.7),
    "convolution": (0.02, 0.95),
    "attention": (0.5, 0.5),
    "scalar": (0.1, 0.95),
    "memory": (0.3, 0.95),
    "floor_s": (2.0e-6, 2.0e-6),
    "host_s": (2.0e-6, 3.0e-5),
}


@dataclass(frozen=True)
class Row:
    """A published time and the passes that it is about."""

    told: str
    device: str
    mode: Mode
    seconds: float
    role: str
    passes: tuple[Pass, ...]


def fitted() -> Efficiency:
    """What was fitted last and is committed."""
    return Efficiency(**json.loads(_FITTED.read_text(encoding="utf-8")))


def rows(batches: Sequence[int] = (1, 2, 4, 8)) -> list[Row]:
    """Published times of those batches with their traces, which rows of a workload, type and batch share."""
    traces: dict[tuple[str, str, int], tuple[Pass, ...]] = {}
    found = []
    with _ROWS.open(encoding="utf-8", newline="") as sheet:
        for row in csv.DictReader(sheet):
            key = (row["workload"], row["dtype"], int(row["batch"]))
            if key[2] not in batches:
                continue
            if key not in traces:
                traces[key] = _passes(*key)
            told = f"{row['device']} {row['workload']} {row['dtype']} batch {row['batch']}"
            mode = Mode(tf32=True, captured=row["captured"] == "1")
            found.append(
                Row(told, row["device"], mode, float(row["milliseconds"]) / 1000, row["role"], traces[key])
            )
    return found


def predicted(row: Row, efficiency: Efficiency) -> float:
    """Seconds."""
    return seconds_of(row.passes, device(row.device), efficiency, row.mode)


def fit(known: Sequence[Row]) -> Efficiency:
    """Least squares of the logarithms over the rows to fit; the error is that of the held-out rows."""
    from scipy.optimize import least_squares

    names = [name for name, (low, high) in _BOUNDS.items() if low < high]
    fixed = {name: low for name, (low, high) in _BOUNDS.items() if low == high}
    to_fit = [row for row in known if row.role == "fit"]

    def of(logarithms: Sequence[float]) -> Efficiency:
        return Efficiency(**dict(zip(names, np.exp(logarithms), strict=True)), **fixed, error=0.0)

    def residuals(logarithms: Sequence[float]) -> list[float]:
        efficiency = of(logarithms)
        return [float(np.log(predicted(row, efficiency) / row.seconds)) for row in to_fit]

    low, high = (np.log([_BOUNDS[name][side] for name in names]) for side in (0, 1))
    found = least_squares(residuals, np.log([_START[name] for name in names]), bounds=(low, high))
    best = of(found.x)
    held = [(predicted(row, best), row.seconds) for row in known if row.role == "held_out"]
    return replace(best, error=mean_error(held))


def _passes(workload: str, dtype_name: str, batch: int) -> tuple[Pass, ...]:
    sizes = Sizes.of_the_papers(project_root())
    dtype: torch.dtype = getattr(torch, dtype_name)
    if workload == "llama_7b_token":
        return (_llama(dtype, batch),)
    made = workloads.fastpitch(sizes.fastpitch, _SECONDS, batch, dtype).passes
    if workload == "fastpitch+hifi_gan":
        made += workloads.vocoder(sizes.vocoder, _SECONDS, batch, dtype).passes
    return made


def _llama(dtype: torch.dtype, batch: int) -> Pass:
    """One token of Llama 2 7B; what it looks back on is left out, a hundredth of its weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    net: Callable[..., object] = built(lambda: LlamaForCausalLM(LlamaConfig()))
    return a_pass(net, dtype, lambda: net(ids(batch, 1), use_cache=False))  # type: ignore[arg-type]


def main() -> None:
    """Print the fit and every row; write it where asked to."""
    parser = argparse.ArgumentParser(description="Fit the simulator to published times.")
    parser.add_argument("--write", action="store_true", help="replace efficiency.json")
    arguments = parser.parse_args()
    known = rows()
    best = fit(known)
    told = [str({name: float(f"{value:.3g}") for name, value in asdict(best).items()})]
    for row in known:
        simulated = predicted(row, best)
        told.append(
            f"{row.role:9} {row.told:55} published {1e3 * row.seconds:7.1f} ms, "
            f"simulated {1e3 * simulated:7.1f} ms ({100 * (simulated / row.seconds - 1):+.0f} %)"
        )
    sys.stdout.write("\n".join(told) + "\n")
    if arguments.write:
        values = {name: float(f"{value:.4g}") for name, value in asdict(best).items()}
        _FITTED.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
