"""simulate: latency of the pipeline and memory of a training step on a device that is not here.

Everything is simulated and says so; nothing of it can become evidence of a candidate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Table

from components import catalogue
from components.core.storage import write_json
from components.simulation.calibration import fitted
from components.simulation.devices import Device, device
from components.simulation.pipeline import ZERO_SHOT, Setting
from components.simulation.pipeline import Path as PipelinePath
from components.simulation.pipeline import paths as paths_of
from components.simulation.sizes import Sizes
from components.simulation.training import Step, vallex_step, wav2lip_step

_GIB = 2**30
_CONTEXTS = (1024, 2048, 4096)
_WINDOW = 5


@dataclass(frozen=True)
class Simulated:
    """What the terminal shows, and the same as JSON."""

    view: Group
    values: list[dict[str, Any]]

    def write(self, out: Path) -> None:
        """The JSON, whole or not at all."""
        write_json(out, self.values)


def latency(project: Path, device_name: str) -> Simulated:
    """Every path of the pipeline at 3 s and 6 s of speech, paper sizes, one utterance at a time.

    Raises:
        ConfigError: no such device.
    """
    chosen, efficiency = device(device_name), fitted()
    params = catalogue.load(project, None)
    made = paths_of(Sizes.of_the_papers(project), chosen, efficiency)
    rows = [_told(one, chosen) for one in made]
    table = _table(
        f"Pipeline on {chosen.name}: simulated, error of held-out rows ±{100 * efficiency.error:.0f} %",
        ("speech", "length", "setting", "ms", "between", "parts (ms)"),
    )
    for one, row in zip(made, rows, strict=True):
        parts = " · ".join(f"{name} {took:.0f}" for name, took in row["parts_ms"].items())
        band = f"{row['low_ms']:.0f} – {row['high_ms']:.0f}"
        shown = f"{one.seconds_of_speech:g} s"
        table.add_row(one.speaks, shown, one.setting.told, f"{row['value_ms']:.0f}", band, parts)
    expected = sorted(
        figure
        for one in params.kpi.expected
        if one.name == "latency_p95_ms"
        for figure in (one.value, one.before)
        if figure is not None
    )
    eager = next(
        one
        for one in made
        if one.speaks == ZERO_SHOT and not one.setting.mode.captured and one.setting.told == "bf16"
    )
    hosts = _table(
        f"The log's figures: {eager.speaks}, {eager.seconds_of_speech:g} s, {eager.setting.told}, eager",
        ("expected ms", "reached with a launch every (µs)", "fitted (µs)"),
    )
    for figure in expected:
        needed = host_for(eager, chosen, figure / 1000)
        hosts.add_row(
            f"{figure:g}",
            "never" if needed is None else f"{1e6 * needed:.1f}",
            f"{1e6 * efficiency.host_s:.1f}",
        )
        rows.append(
            {
                "name": "host_launch_us",
                "for_ms": figure,
                "value_us": None if needed is None else round(1e6 * needed, 2),
                "evidence": "simulated",
                "device": chosen.name,
            }
        )
    return Simulated(Group(table, hosts), rows)


def latency_rows(project: Path, chosen: Device, lengths: tuple[float, ...]) -> list[dict[str, Any]]:
    """Every path of the pipeline at these lengths (s) of speech as JSON, paper sizes, simulated."""
    return [_told(one, chosen) for one in paths_of(Sizes.of_the_papers(project), chosen, fitted(), lengths)]


def memory(project: Path) -> Simulated:
    """Training steps at batch 2, each with and without what saves memory."""
    sizes = Sizes.of_the_papers(project)
    steps = [
        vallex_step(sizes.vallex, context, 2, autocast, checkpointing, attention)
        for context in _CONTEXTS
        for attention in ("math", "fused")
        for autocast in (False, True)
        for checkpointing in (False, True)
    ]
    steps += [wav2lip_step(sizes.wav2lip, _WINDOW, 2, autocast, "fused") for autocast in (False, True)]
    table = _table(
        "Memory of a training step: simulated; allocator's rounding and device context left out",
        ("what", "batch", "attention", "autocast", "checkpointing", "GiB", "of it optimiser"),
    )
    for one in steps:
        marks = ("bf16" if one.autocast else "–", "yes" if one.checkpointing else "–")
        gib = (f"{one.peak_bytes / _GIB:.1f}", f"{one.states_bytes / _GIB:.1f}")
        table.add_row(one.told, str(one.batch), one.attention, *marks, *gib)
    return Simulated(Group(table), [_memory_told(one) for one in steps])


def host_for(path: PipelinePath, chosen: Device, seconds: float) -> float | None:
    """Seconds between two launches with which a path takes that long; None where even 0 is too slow.

    Longer launches never make a path faster, so the answer is found by halving.
    """
    efficiency = fitted()

    def took(host_s: float) -> float:
        return path.again(chosen, replace(efficiency, host_s=host_s))

    low, high = 0.0, 1.0e-4
    if took(low) > seconds:
        return None
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if took(middle) <= seconds else (low, middle)
    return low


def _told(path: PipelinePath, chosen: Device) -> dict[str, Any]:
    value = 1000 * path.seconds
    return {
        "name": "latency_ms",
        "value_ms": round(value, 1),
        "low_ms": round(value / (1 + path.error), 1),
        "high_ms": round(value * (1 + path.error), 1),
        "evidence": "simulated",
        "device": chosen.name,
        "speaks": path.speaks,
        "seconds_of_speech": path.seconds_of_speech,
        "setting": _setting(path.setting),
        "parts_ms": {work.name: round(1000 * took, 2) for work, took in path.parts},
        "workload": [f"{work.name}: {work.described}" for work, _ in path.parts],
    }


def _setting(setting: Setting) -> dict[str, Any]:
    return {
        "told": setting.told,
        "dtype": str(setting.dtype).removeprefix("torch."),
        "tf32": setting.mode.tf32,
        "captured": setting.mode.captured,
        "kv_cache": setting.cached,
    }


def _memory_told(step: Step) -> dict[str, Any]:
    return {
        "name": "training_memory_gib",
        "value_gib": round(step.peak_bytes / _GIB, 2),
        "optimiser_gib": round(step.states_bytes / _GIB, 2),
        "evidence": "simulated",
        "workload": step.told,
        "batch": step.batch,
        "autocast": step.autocast,
        "checkpointing": step.checkpointing,
        "attention": step.attention,
        "flops": step.trace.flops,
    }


def _table(title: str, headings: Iterable[str]) -> Table:
    table = Table(title=title)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table
