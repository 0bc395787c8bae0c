"""The GPU-optimisation experiment: every cell predicted, and beside it measured where a GPU is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from components.core.params.experiment import ExperimentParams
from components.models.vallex.params import Architecture
from components.simulation.cost import Efficiency, Mode, predict
from components.simulation.devices import Device
from components.simulation.grid import Setting, grid
from components.simulation.measuring import Measured, Meter, measure
from components.simulation.training import Step, vallex_step

_GIB = 2**30
_CONTEXT_BYTES = _GIB
"""That a CUDA device holds for itself, about."""
_OPTIMISER_PASSES = 7
"""AdamW in one kernel reads weight, gradient and two states, and writes all but the gradient."""


@dataclass(frozen=True)
class Predicted:
    """A cell as the simulator sees it; never measured.

    Attributes:
        device: that is not here.
        seconds, low, high: of a step, with the error of held-out published rows.
        peak_bytes: weights, gradients, states, activations.
        fits: with the device's own context into its memory.
    """

    device: str
    seconds: float
    low: float
    high: float
    peak_bytes: int
    fits: bool


@dataclass(frozen=True)
class Cell:
    """A setting and what became of it."""

    setting: Setting
    predicted: Predicted
    measured: Measured | None = None

    @property
    def evidence(self) -> Literal["measured", "simulated"]:
        """Of `seconds`, `fits` and `codes_per_second`: the measurement where there is one."""
        return "simulated" if self.measured is None else "measured"

    @property
    def seconds(self) -> float | None:
        """Median of the measured steps, else the prediction; None where it cannot be run."""
        if self.measured is not None:
            return self.measured.p50_s
        return self.predicted.seconds if self.predicted.fits else None

    @property
    def fits(self) -> bool:
        """Whether it can be run at all."""
        return self.seconds is not None

    @property
    def codes_per_second(self) -> float:
        """Throughput; 0 of what cannot be run."""
        return self.setting.context * self.setting.batch / self.seconds if self.seconds else 0.0

    def row(self) -> dict[str, Any]:
        """Flat, for JSON and CSV: the setting, the prediction, and beside it the measurement."""
        told, found = self.predicted, self.measured
        return {
            **asdict(self.setting),
            "evidence": self.evidence,
            "codes_per_second": round(self.codes_per_second, 1),
            "predicted_device": told.device,
            "predicted_ms": round(1000 * told.seconds, 3),
            "predicted_low_ms": round(1000 * told.low, 3),
            "predicted_high_ms": round(1000 * told.high, 3),
            "predicted_gib": round(told.peak_bytes / _GIB, 4),
            "predicted_fits": told.fits,
            "measured_device": found.device if found else "",
            "measured_n": found.n if found else 0,
            "measured_p50_ms": _thousandfold(found.p50_s) if found else None,
            "measured_p95_ms": _thousandfold(found.p95_s) if found else None,
            "measured_allocated_gib": _gib(found.allocated_bytes) if found else None,
            "measured_reserved_gib": _gib(found.reserved_bytes) if found else None,
            "measured_failure": found.failure if found else "",
        }


def experiment(
    a: Architecture,
    params: ExperimentParams,
    device: Device,
    efficiency: Efficiency,
    meter: Meter | None,
    begun: Callable[[Setting], None] = lambda _: None,
) -> Iterator[Cell]:
    """Every cell of the grid for VALL-E X's autoregressive model.

    Args:
        a: the network's dimensions.
        params: the grid.
        device: that is predicted.
        efficiency: of `calibration.fitted`.
        meter: the device that is here; None: nothing is measured.
        begun: told before each cell.
    """
    traces: dict[tuple[object, ...], Step] = {}
    for setting in grid(params):
        begun(setting)
        autocast = setting.precision == "bf16"
        key = (setting.context, setting.batch, setting.attention, setting.checkpointing, autocast)
        if key not in traces:
            if key[:4] not in {known[:4] for known in traces}:
                traces.clear()  # a trace at the paper's size holds a thousand operators, and none comes back
            traces[key] = vallex_step(
                a, setting.context, setting.batch, autocast, setting.checkpointing, setting.attention
            )
        told = predicted(traces[key], device, efficiency, tf32=setting.precision != "fp32")
        found = measure(a, setting, meter, params.warm_up, params.repeats) if meter else None
        yield Cell(setting, told, found)


def predicted(step: Step, device: Device, efficiency: Efficiency, *, tf32: bool) -> Predicted:
    """Forward and backward pass launched one by one, then an optimiser of one kernel."""
    passes = predict(step.trace, device, efficiency, Mode(tf32=tf32))
    states = step.states_bytes // 2  # as many bytes as the weights: there are two states for each
    optimiser = _OPTIMISER_PASSES * states / (device.bandwidth * efficiency.memory)
    seconds, error = passes.seconds + optimiser, 1.0 + efficiency.error
    fits = step.peak_bytes + _CONTEXT_BYTES <= device.memory_gib * _GIB
    return Predicted(device.name, seconds, seconds / error, seconds * error, step.peak_bytes, fits)


def winner(cells: Sequence[Cell], context: int) -> Cell | None:
    """The cell that learns most codes a second at a context, among equals the one with the least memory.

    Args:
        cells: of the experiment.
        context: that the model is trained with; the smallest of the grid that holds it is looked at, since
            another context is another model and no optimisation.

    Returns:
        None where no cell holds that context or none of them can be run.
    """
    at_hand = [one for one in cells if one.fits and one.setting.context >= context]
    nearest = min((one.setting.context for one in at_hand), default=0)
    fitting = [one for one in at_hand if one.setting.context == nearest]
    return max(fitting, key=lambda one: (one.codes_per_second, -one.predicted.peak_bytes), default=None)


def _thousandfold(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 3)


def _gib(found: int | None) -> float | None:
    return None if found is None else round(found / _GIB, 4)
