"""Commands about devices that are not here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from components.cli.app import WIDTH_IN_A_FILE, app
from components.core.paths import project_root

if TYPE_CHECKING:
    from components.stages.simulate import Simulated

OutOption = Annotated[Path | None, typer.Option(help="JSON to write as well")]


@app.command("simulate-latency", rich_help_panel="Tools")
def simulate_latency(
    device: Annotated[str, typer.Option(help="as in components/simulation/devices.csv")] = "A100-SXM4-80GB",
    out: OutOption = None,
) -> None:
    """Latency of text → speech → voice → face at paper size on a device, simulated, with its error."""
    from components.stages import simulate

    _show(simulate.latency(project_root(), device), out)


@app.command("simulate-memory", rich_help_panel="Tools")
def simulate_memory(out: OutOption = None) -> None:
    """Memory of a training step at paper size, simulated: checkpointing, autocast, attention, context."""
    from components.stages import simulate

    _show(simulate.memory(project_root()), out)


def _show(found: Simulated, out: Path | None) -> None:
    console = Console()
    Console(width=None if console.is_terminal else WIDTH_IN_A_FILE).print(found.view)
    if out is not None:
        found.write(out)
        typer.echo(out)
