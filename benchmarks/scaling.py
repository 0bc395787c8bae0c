"""Cost against the number of utterances: ingest, manifest, hashes, validation, feature store.

Every step meets made-up recordings (0.55 s of tone, ten a speaker), with growing numbers of them, and
``seconds = fixed + slope × n ^ exponent`` is fitted to its CPU time. The row's ratio is 1 / exponent: 1 is
linear, less is worse. The short form counts Python instructions of this project's own code instead, which a
busy machine does not change; work inside numpy, pandas or a file system is not in that count.

    python benchmarks/scaling.py [--scale 1.0] [--repeats 2] [--out artifacts/bench/scaling.json]

Writes the JSON with every slope and a plot beside it.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from ratio import SEED, Row, seconds, tell, unmeasured
from scaling_steps import STEPS, Step

from components.core.paths import project_root
from components.core.storage import write_json

GOAL = 1 / 1.15
_EXPONENTS = np.arange(0.5, 2.51, 0.02)
_DRAWS = 200
_COUNTED = (15, 30, 60)
_OUT = project_root() / "artifacts" / "bench" / "scaling.json"


@dataclass(frozen=True)
class Fitted:
    """CPU seconds of a step as a function of its utterances.

    Attributes:
        step: its name.
        sizes, seconds: what was measured; a row of seconds for each repetition.
        fixed_s, exponent: of the fit.
        low, high: 95 % of the exponent, repetitions drawn anew.
        slope_s: seconds of an utterance at the largest size, without what is fixed.
    """

    step: str
    sizes: list[int]
    seconds: list[list[float]]
    fixed_s: float
    exponent: float
    low: float
    high: float
    slope_s: float


def main() -> int:
    """Measure, print, write; 1 when a step grows faster than its goal."""
    arguments = _arguments(None)
    return tell(rows(short=True) if arguments.count else _measured(arguments))


def rows(short: bool) -> list[Row]:
    """A row for each step."""
    if not short:
        return _measured(_arguments([]))
    return [_row(step, 1 / _counted_exponent(step), None, None, 1, "its instructions") for step in STEPS]


def _measured(arguments: argparse.Namespace) -> list[Row]:
    fits = []
    for step in STEPS:
        sizes = [max(10, round(size * arguments.scale)) for size in step.sizes]
        _timed(step, sizes[0])  # imports, caches
        times = [[_timed(step, size) for size in sizes] for _ in range(arguments.repeats)]
        fits.append(_fitted(step.name, sizes, times))
        print(f"{step.name}: {fits[-1]}", flush=True)
    write_json(arguments.out, [asdict(one) for one in fits])
    _draw(fits, arguments.out.with_suffix(".png"))
    return [
        _row(
            step, 1 / one.exponent, 1 / one.high, 1 / one.low, len(one.sizes) * arguments.repeats, _told(one)
        )
        for step, one in zip(STEPS, fits, strict=True)
    ]


def _timed(step: Step, size: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return seconds(step.prepare(Path(folder), size))


def _fitted(name: str, sizes: Sequence[int], times: Sequence[Sequence[float]]) -> Fitted:
    measured = np.array(times)
    fixed, slope, exponent = _least_squares(np.array(sizes, dtype=float), measured.min(axis=0))
    generator = np.random.default_rng(SEED)
    drawn = []
    for _ in range(_DRAWS):
        which = generator.integers(len(measured), size=len(sizes))
        drawn.append(_least_squares(np.array(sizes, dtype=float), measured[which, np.arange(len(sizes))])[2])
    low, high = (float(one) for one in np.quantile(drawn, [0.025, 0.975]))
    largest = float(sizes[-1])
    per_utterance = slope * largest**exponent / largest
    return Fitted(name, list(sizes), measured.tolist(), fixed, exponent, low, high, per_utterance)


def _least_squares(sizes: Any, times: Any) -> tuple[float, float, float]:
    """Fixed seconds, slope and exponent with the least relative error; no fixed cost below zero."""
    best = (np.inf, 0.0, 0.0, 1.0)
    for exponent in _EXPONENTS:
        columns = np.stack([np.ones(len(sizes)), sizes**exponent], axis=1) / times[:, None]
        (fixed, slope), *_ = np.linalg.lstsq(columns, np.ones(len(sizes)), rcond=None)
        if fixed < 0:
            fixed, slope = 0.0, float(columns[:, 1].sum() / (columns[:, 1] ** 2).sum())
        wrong = float(((columns @ np.array([fixed, slope]) - 1.0) ** 2).sum())
        best = min(best, (wrong, float(fixed), float(slope), float(exponent)))
    return best[1:]


def _counted_exponent(step: Step) -> float:
    """Of the instructions, without what is fixed."""
    counts = []
    step = replace(step, prepare=step.counted or step.prepare)
    _timed(step, _COUNTED[0])  # imports, caches
    for size in _COUNTED:
        with tempfile.TemporaryDirectory() as folder:
            counts.append(_instructions(step.prepare(Path(folder), size)))
    small, middle, large = counts
    return float(np.log2((large - middle) / max(1, middle - small)))


def _instructions(work: Callable[[], object]) -> int:
    """Python instructions that this project's code executes in a call."""
    count, own = 0, str(project_root() / "components")

    def within(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += event == "opcode"
        return within

    def entered(frame: FrameType, event: str, argument: object) -> Any:
        if not frame.f_code.co_filename.startswith(own):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return within

    before = sys.gettrace()
    sys.settrace(entered)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def _row(step: Step, ratio: float, low: float | None, high: float | None, n: int, told: str) -> Row:
    empty = unmeasured(f"s-{step.name}", f"{step.told}: 1 / exponent", GOAL, f"linear; {told}", step.limit)
    return replace(empty, ratio=ratio, low=low, high=high, n=n)


def _told(one: Fitted) -> str:
    sizes = f"{one.sizes[0]} – {one.sizes[-1]}"
    return f"{sizes} utterances, {1e3 * one.slope_s:.3g} ms each, {one.fixed_s:.2g} s fixed"


def _draw(fits: Sequence[Fitted], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 4.0), layout="constrained")
    axes = figure.add_subplot()
    for one in fits:
        least = np.array(one.seconds).min(axis=0)
        axes.plot(one.sizes, least, marker="o", label=f"{one.step}, exponent {one.exponent:.2f}")
    axes.set(xscale="log", yscale="log", xlabel="utterances", ylabel="CPU seconds")
    axes.set_title(f"measured {datetime.datetime.now(datetime.UTC):%Y-%m-%d}, one thread", fontsize="small")
    axes.legend(fontsize="small")
    figure.savefig(path, dpi=90, format="png")


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="of all numbers of utterances")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument(
        "--count", action="store_true", help="the short form: instructions instead of seconds"
    )
    parser.add_argument("--out", type=Path, default=_OUT)
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
