"""The GPU experiment's cells: a real step under a meter, what does not fit, the winner, and its diff."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest
import torch
import yaml

from components import catalogue
from components.core.errors import ConfigError
from components.core.params import narrowed
from components.core.paths import project_root
from components.models.vallex.params import Section
from components.simulation.calibration import fitted
from components.simulation.devices import device
from components.simulation.experiment import Cell, Predicted, experiment, winner
from components.simulation.grid import Setting, grid
from components.simulation.measuring import OUT_OF_MEMORY, CpuMeter, Measured, measure
from components.simulation.proposal import proposal, with_values

ROOT = project_root()
PARAMS = catalogue.load(ROOT, "ci")
SECTION = narrowed(PARAMS.models["vallex"], Section)
A100 = device("A100-SXM4-80GB")
SETTING = Setting("bf16", checkpointing=True, attention="fused", context=16, batch=1)


class FakeMeter(CpuMeter):
    """Does the work on the CPU and tells the seconds it was given; may run out of memory."""

    def __init__(self, seconds: list[float], fails: Exception | None = None) -> None:
        super().__init__()
        self.label, self.fails, self.told = "Fake A100", fails, iter(seconds)
        self.released = 0

    def seconds(self, work: Callable[[], None]) -> float:
        work()
        if self.fails:
            raise self.fails
        return next(self.told)

    def peaks(self) -> tuple[int | None, int | None]:
        return 3 * 2**30, 4 * 2**30

    def release(self) -> None:
        self.released += 1


def test_a_real_step_is_timed_by_the_meter() -> None:
    meter = FakeMeter([0.1, 0.3, 0.2])
    found = measure(SECTION.architecture, SETTING, meter, warm_up=1, repeats=3)
    assert (found.device, found.n, found.failure) == ("Fake A100", 3, "")
    assert found.p50_s == pytest.approx(0.2)
    assert found.p95_s == pytest.approx(0.29)
    assert (found.allocated_bytes, found.reserved_bytes) == (3 * 2**30, 4 * 2**30)
    assert meter.released == 1


def test_every_precision_and_kernel_runs_and_leaves_torch_as_it_was() -> None:
    torch.set_float32_matmul_precision("highest")
    for precision in ("fp32", "tf32", "bf16"):
        for attention in ("math", "fused"):
            setting = replace(SETTING, precision=precision, attention=attention)
            found = measure(SECTION.architecture, setting, CpuMeter(), warm_up=1, repeats=1)
            assert found.p50_s is not None
            assert found.p50_s > 0
    assert torch.get_float32_matmul_precision() == "highest"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), OUT_OF_MEMORY),
        (RuntimeError("No available kernel. Aborting execution."), "no such kernel of attention"),
    ],
)
def test_what_a_device_cannot_do_is_a_result(error: Exception, told: str) -> None:
    meter = FakeMeter([], error)
    found = measure(SECTION.architecture, SETTING, meter, warm_up=1, repeats=2)
    assert told in found.failure
    assert (found.n, found.p50_s, found.allocated_bytes, meter.released) == (0, None, None, 1)
    with pytest.raises(RuntimeError, match="a defect"):
        measure(SECTION.architecture, SETTING, FakeMeter([], RuntimeError("a defect")), 1, 1)


def test_without_a_gpu_every_cell_is_simulated_and_says_so() -> None:
    cells = list(experiment(SECTION.architecture, PARAMS.experiment, A100, fitted(), None))
    assert [cell.setting for cell in cells] == list(grid(PARAMS.experiment))
    assert len(cells) == 3 * 2 * 2 * 1 * 1
    assert {cell.row()["evidence"] for cell in cells} == {"simulated"}
    assert all(cell.row()["measured_p50_ms"] is None for cell in cells)
    peaks = {cell.setting: cell.predicted.peak_bytes for cell in cells}
    for setting, peak in peaks.items():
        if setting.attention == "math" and not setting.checkpointing:
            assert peak > peaks[replace(setting, attention="fused")]


def test_on_a_gpu_the_measurement_stands_beside_the_prediction() -> None:
    few = PARAMS.experiment.model_copy(
        update={"precisions": ["fp32"], "attentions": ["fused"], "checkpointing": [False], "batches": [1]}
    )
    (cell,) = experiment(SECTION.architecture, few, A100, fitted(), FakeMeter([0.2, 0.2]))
    row = cell.row()
    assert (row["evidence"], row["measured_p50_ms"], row["measured_reserved_gib"]) == ("measured", 200.0, 4.0)
    assert row["predicted_ms"] > 0
    assert row["codes_per_second"] == pytest.approx(32 / 0.2)


def cell(setting: Setting, seconds: float, fits: bool = True, measured: Measured | None = None) -> Cell:
    return Cell(setting, Predicted("A100", seconds, seconds, seconds, 2**30, fits), measured)


def test_the_winner_fits_holds_the_context_and_is_the_fastest() -> None:
    fast, slow = replace(SETTING, context=32, batch=4), replace(SETTING, context=32, batch=2)
    small, large = replace(SETTING, context=8), replace(SETTING, context=64, batch=9)
    cells = [cell(small, 1e-6), cell(slow, 0.1), cell(fast, 0.1), cell(large, 1e-6)]
    best = winner(cells, 20)
    assert best is not None
    assert best.setting == fast
    failed = Measured("A100", 0, None, None, None, None, OUT_OF_MEMORY)
    cells[2] = cell(fast, 0.1, measured=failed)  # predicted to fit, and did not
    best = winner(cells, 20)
    assert best is not None
    assert best.setting == slow
    assert winner([cell(fast, 0.1, fits=False)], 20) is None


def test_the_proposal_changes_these_lines_alone_and_keeps_the_rows_of_a_step() -> None:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    section = narrowed(catalogue.load(ROOT, None).models["vallex"], Section)
    best = cell(Setting("fp32", checkpointing=False, attention="fused", context=1024, batch=16), 0.5)
    diff = proposal(text, section, best, "somewhere")
    assert "simulated, somewhere" in diff.splitlines()[0]
    changed = [line[1:].split("#")[0].strip() for line in diff.splitlines() if line[:2] == "+ "]
    assert changed == [
        "batch_size: 16",
        "gradient_accumulation: 2",
        "gradient_checkpointing: false",
        "precision: 32-true",
    ]
    assert proposal(text, section, replace(best, setting=_as_it_is(section)), "x").endswith("already\n")


def _as_it_is(section: Section) -> Setting:
    training = section.training
    return Setting("bf16", training.gradient_checkpointing, "fused", 1024, training.batch_size)


def test_only_the_named_section_is_written() -> None:
    text = "a:\n  x:\n    n: 1   # why\nb:\n  x:\n    n: 1   # why\n    m: 2\n  y: {n: 1}\n"
    changed = with_values(text, ("b", "x"), {"n": "7"})
    assert changed == text[: text.index("b:")] + "b:\n  x:\n    n: 7   # why\n    m: 2\n  y: {n: 1}\n"
    assert cast("dict[str, object]", yaml.safe_load(changed))["a"] == {"x": {"n": 1}}
    with pytest.raises(ConfigError, match="no such line"):
        with_values(text, ("b", "x"), {"k": "7"})
    with pytest.raises(ConfigError, match="no such section"):
        with_values(text, ("b", "z"), {"n": "7"})
