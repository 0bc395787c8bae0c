"""Row 12: how wrong the simulator is on this CPU, and on published GPU times, beside a bare roofline.

This CPU is calibrated (`components.simulation.cpu_calibration`: products, convolutions, memory, what a
network adds, one thread), then the shipped networks and the laptop's training steps, none of which the
calibration has seen, are traced and timed in the same run: CPU time, the least of several repetitions.

    python benchmarks/simulator.py [--workspace artifacts/bench/workspace] [--rounds 5] [--only inference]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from ratio import SEED, Row, tell, unmeasured
from real_paths import RealPath, fastpitch, inference_paths, this_cpu, training_paths

from components.core.paths import project_root
from components.core.statistics import bootstrap
from components.simulation import calibration
from components.simulation.cpu_calibration import least_seconds
from components.simulation.cpu_cost import Cpu, bare_roofline, seconds
from components.simulation.operators import traced

WORKSPACE = project_root() / "artifacts" / "bench" / "workspace"
CPU_ERROR, GPU_ERROR = 0.15, 0.20
_LIMIT = "1: no error"


@dataclass(frozen=True)
class Judged:
    """A held-out pass: seconds as measured, as simulated, and of a bare roofline."""

    name: str
    measured: float
    simulated: float
    bare: float


def main() -> int:
    """Print every held-out pass; 1 when an error is larger than its goal."""
    arguments = _arguments(None)
    return tell(_measured(arguments))


def rows(short: bool) -> list[Row]:
    """Row 12; the short form times one network and leaves the training steps and the GPU rows out."""
    if short:
        path = RealPath("FastPitch", fastpitch(8))
        return [_row("12", "simulator, this CPU", CPU_ERROR, [_judged(path, this_cpu(1), 1)])]
    return _measured(_arguments([]))


def _measured(arguments: argparse.Namespace) -> list[Row]:
    cpu = this_cpu(arguments.rounds)
    print(f"{cpu.label}: {_rates(cpu)}")
    judged = [_told(_judged(path, cpu, arguments.rounds)) for path in inference_paths()]
    if arguments.only != "inference":
        judged += [_told(_judged(path, cpu, 2)) for path in training_paths(arguments.workspace)]
    found = [_row("12", "simulator, this CPU", CPU_ERROR, judged)]
    return found if arguments.only == "inference" else [*found, _published()]


def _judged(path: RealPath, cpu: Cpu, rounds: int) -> Judged:
    path.work()  # an optimiser makes its states in the first step
    trace = traced(path.work)
    measured = least_seconds(path.work, rounds)
    return Judged(path.name, measured, seconds(trace, cpu, path.learning), bare_roofline(trace, cpu))


def _told(one: Judged) -> Judged:
    print(
        f"{one.name:28} measured {1e3 * one.measured:8.2f} ms, simulated {1e3 * one.simulated:8.2f} "
        f"({100 * (one.simulated / one.measured - 1):+.0f} %), bare roofline {1e3 * one.bare:8.2f} "
        f"({100 * (one.bare / one.measured - 1):+.0f} %)",
        flush=True,
    )
    return one


def _published() -> Row:
    """The committed fit against published rows that it has not seen; the data sheets' bare peaks too."""
    efficiency = calibration.fitted()
    bare = replace(
        efficiency,
        matmul=1.0,
        convolution=1.0,
        attention=1.0,
        scalar=1.0,
        memory=1.0,
        floor_s=0.0,
        host_s=0.0,
    )
    held = [row for row in calibration.rows() if row.role == "held_out"]
    judged = [
        Judged(
            row.told, row.seconds, calibration.predicted(row, efficiency), calibration.predicted(row, bare)
        )
        for row in held
    ]
    return _row("12b", "simulator, published GPU rows", GPU_ERROR, judged)


def _row(name_id: str, what: str, error: float, judged: Sequence[Judged]) -> Row:
    """As 1 minus the mean absolute error, so that more is better; drawn anew over the passes."""
    ours = np.array([1.0 - abs(one.simulated / one.measured - 1.0) for one in judged])
    theirs = _mean(1.0 - abs(one.bare / one.measured - 1.0) for one in judged)
    baseline = f"bare roofline, {theirs:.3f}"
    empty = unmeasured(name_id, f"{what}: 1 - mean error", 1.0 - error, baseline, _LIMIT)
    if len(ours) == 1:
        return replace(empty, ratio=float(ours[0]), n=1)
    middle, low, high = bootstrap(ours, lambda drawn: np.mean(drawn, axis=-1), SEED)
    return replace(empty, ratio=middle, low=low, high=high, n=len(ours))


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _rates(cpu: Cpu) -> str:
    rates = ", ".join(
        f"{key.family}{' bf16' if key.half else ''}{' backward' if key.backward else ''} {rate / 1e9:.0f}"
        for key, rate in cpu.rates.items()
    )
    return f"GFLOP/s: {rates}; {cpu.bandwidth / 1e9:.0f} GB/s; in networks {cpu.inferring}, {cpu.learning}"


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workspace", type=Path, default=WORKSPACE)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["inference"], default=None)
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
