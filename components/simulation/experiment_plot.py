"""The experiment at a glance: memory against throughput."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from components.simulation.devices import Device
from components.simulation.experiment import Cell

_GIB = 2**30
_COLOURS = {"fp32": "tab:red", "tf32": "tab:orange", "bf16": "tab:blue"}
_MARKERS = {"math": "s", "fused": "o"}


def draw(cells: Sequence[Cell], device: Device, title: str, path: Path) -> None:
    """A mark for each prediction, hollow where it does not fit; a cross for each measurement.

    Args:
        cells: of the experiment.
        device: that was predicted; its memory is a line.
        title: what it is about; evidence and device are added.
        path: a png.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 4.5), layout="constrained")
    axes = figure.add_subplot()
    named: set[str] = set()
    for cell in cells:
        setting, told = cell.setting, cell.predicted
        colour, label = _COLOURS[setting.precision], f"{setting.precision}, {setting.attention}"
        codes = setting.context * setting.batch
        axes.scatter(
            told.peak_bytes / _GIB,
            codes / told.seconds,
            marker=_MARKERS[setting.attention],
            facecolors=colour if told.fits else "none",
            edgecolors=colour,
            label=None if label in named else label,
        )
        named.add(label)
        found = cell.measured
        if found is not None and found.p50_s and found.allocated_bytes:
            axes.scatter(found.allocated_bytes / _GIB, codes / found.p50_s, marker="x", color=colour)
    axes.axvline(device.memory_gib, color="0.6", linewidth=0.8)
    axes.set(xscale="log", yscale="log", xlabel="memory of a training step [GiB]", ylabel="codes a second")
    axes.set_title(f"{title}: simulated for {device.name}{_beside(cells)}", fontsize="small")
    axes.legend(fontsize="small", ncols=2)
    figure.savefig(path, dpi=120, format="png")


def _beside(cells: Sequence[Cell]) -> str:
    devices = sorted({cell.measured.device for cell in cells if cell.measured})
    return f"; crosses: measured on {', '.join(devices)}" if devices else ""
