"""Row 9: a training step of each model beside the roofline of this CPU, both measured in the same run.

The step is the loop's own in the laptop's size: collate, forward, backward, clip, optimiser, moving average;
one thread, CPU time, the least of several. The roofline is what its operators take at the least: each
product, convolution and attention at the best rate that any operator of its kind reached in the calibration,
in its precision and direction, everything else at the bandwidth of a copy. The ratio is the share of that.

    python benchmarks/training_step.py [--workspace artifacts/bench/workspace] [--rounds 3] [--dearest 8]
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from ratio import Row, tell, unmeasured
from real_paths import RealPath, this_cpu, training_paths

from components.core.paths import project_root
from components.simulation.cpu_calibration import least_seconds
from components.simulation.cpu_cost import Cpu, key_of, roofline, seconds
from components.simulation.operators import Trace, traced

WORKSPACE = project_root() / "artifacts" / "bench" / "workspace"
GOAL = 0.7


def main() -> int:
    """Measure; 1 when a step misses its goal."""
    return tell(_measured(_arguments(None)))


def rows(short: bool) -> list[Row]:
    """Row 9, a model a row; the short form takes steps of a layer."""
    if not short:
        return _measured(_arguments([]))
    layer, given = torch.nn.Linear(64, 64), torch.randn(16, 64)
    path = RealPath("a layer", lambda: layer(given).square().mean().backward(), learning=True)
    return [_row(path, traced(path.work), least_seconds(path.work, 1), this_cpu(1), 1)]


def _measured(arguments: argparse.Namespace) -> list[Row]:
    cpu, found = this_cpu(arguments.calibration_rounds), []
    for path in training_paths(arguments.workspace):
        path.work()  # the optimiser makes its states
        trace, took = traced(path.work), least_seconds(path.work, arguments.rounds)
        found.append(_row(path, trace, took, cpu, arguments.rounds))
        print(
            f"{path.name}: {1e3 * took:.0f} ms, {trace.flops / 1e9:.1f} GFLOP, "
            f"{len(trace.operators)} operators"
        )
        print(_dearest(trace, cpu, arguments.dearest), flush=True)
    return found


def _row(path: RealPath, trace: Trace, took: float, cpu: Cpu, rounds: int) -> Row:
    least = roofline(trace, cpu)
    name = path.name.split(" ")[0]
    baseline = f"calibrated roofline, {least:.4g} s, here {took:.4g} s"
    empty = unmeasured(f"9-{name}", f"{path.name}: share of the roofline", GOAL, baseline, "1")
    return replace(empty, ratio=least / took, n=rounds)


def _dearest(trace: Trace, cpu: Cpu, most: int) -> str:
    """Where the time goes, simulated: kinds of operators, their number, what the roofline allows them."""
    spent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for one in trace.operators:
        key = key_of(one)
        name = f"{key.family}{' backward' if key.backward else ''}" if one.flops else one.name
        kind = spent[name]
        kind[0] += 1
        kind[1] += seconds(Trace((one,), 0), cpu, learning=True)
        kind[2] += roofline(Trace((one,), 0), cpu)
    ordered = sorted(spent.items(), key=lambda kind: -kind[1][1])[:most]
    return "\n".join(
        f"    {name:32} {count:5.0f} times, simulated {1e3 * took:7.1f} ms, roofline {1e3 * least:7.1f} ms"
        for name, (count, took, least) in ordered
    )


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workspace", type=Path, default=WORKSPACE)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calibration-rounds", type=int, default=5)
    parser.add_argument("--dearest", type=int, default=8)
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
