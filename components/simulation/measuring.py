"""The training step on a device that is here: its time and its memory; what does not fit is a result."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from components.core.params.experiment import Precision
from components.models.vallex.loss import AR
from components.models.vallex.params import Architecture
from components.simulation.grid import Setting
from components.simulation.training import attention_kernel, learned_weights, vallex_batch, vallex_learner
from components.training.device import device_label

OUT_OF_MEMORY = "out of memory"


@dataclass(frozen=True)
class Measured:
    """A cell as a device did it.

    Attributes:
        device: its name.
        p50_s, p95_s: of ``n`` steps; None where there was none.
        allocated_bytes, reserved_bytes: most that tensors, and the allocator with its reserve, held; None
            where the device does not say.
        failure: "", `OUT_OF_MEMORY`, or why no kernel can do it.
    """

    device: str
    n: int
    p50_s: float | None
    p95_s: float | None
    allocated_bytes: int | None
    reserved_bytes: int | None
    failure: str = ""


class Meter(Protocol):
    """A device with its clock and its memory; everything that differs between devices is behind this."""

    @property
    def device(self) -> torch.device:
        """Where tensors go."""

    @property
    def label(self) -> str:
        """The device's name."""

    def reset(self) -> None:
        """Forget the peaks so far."""

    def seconds(self, work: Callable[[], None]) -> float:
        """How long the device takes for ``work``, until its last kernel has ended."""

    def peaks(self) -> tuple[int | None, int | None]:
        """Bytes allocated and reserved at most since `reset`."""

    def release(self) -> None:
        """Give back what nobody holds."""


class CudaMeter:
    """Events on the device's own clock, peaks of its allocator."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.label = device_label(device)

    def reset(self) -> None:
        """Forget the peaks so far."""
        torch.cuda.synchronize(self.device)
        torch.cuda.reset_peak_memory_stats(self.device)

    def seconds(self, work: Callable[[], None]) -> float:
        """Between two events around ``work``, in the current stream."""
        with torch.cuda.device(self.device):
            begun = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            ended = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            begun.record()
            work()
            ended.record()
            ended.synchronize()
        return float(begun.elapsed_time(ended)) / 1000.0

    def peaks(self) -> tuple[int | None, int | None]:
        """Of tensors, and with the allocator's reserve."""
        return torch.cuda.max_memory_allocated(self.device), torch.cuda.max_memory_reserved(self.device)

    def release(self) -> None:
        """The reserve goes back, so that one cell does not shrink the next."""
        torch.cuda.empty_cache()


class CpuMeter:
    """Wall time; the allocator of a CPU tells no peak."""

    def __init__(self) -> None:
        self.device = torch.device("cpu")
        self.label = device_label(self.device)

    def reset(self) -> None:
        """Nothing to forget."""

    def seconds(self, work: Callable[[], None]) -> float:
        """Kernels of a CPU have ended when ``work`` has."""
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    def peaks(self) -> tuple[int | None, int | None]:
        """Unknown."""
        return None, None

    def release(self) -> None:
        """Python has done it."""


def meter_here() -> Meter | None:
    """This machine's GPU; None where there is none, and a CPU's time would say nothing about one."""
    return CudaMeter(torch.device("cuda", torch.cuda.current_device())) if torch.cuda.is_available() else None


def measure(a: Architecture, setting: Setting, meter: Meter, warm_up: int, repeats: int) -> Measured:
    """Time the whole step: forward, backward, optimiser.

    Args:
        a: of VALL-E X; built here with random weights and without dropout.
        setting: one cell.
        meter: the device.
        warm_up: steps before; at least one, which makes the optimiser's states.
        repeats: timed steps.

    Returns:
        The times, or why there are none.
    """
    times: list[float] = []
    failure = ""
    try:
        times = _times(a, setting, meter, warm_up, repeats)
    except torch.OutOfMemoryError:
        failure = OUT_OF_MEMORY
    except RuntimeError as error:
        if "No available kernel" not in str(error):
            raise
        failure = "no such kernel of attention on this device"
    peaks = (None, None) if failure else meter.peaks()
    gc.collect()  # only here, where no exception holds the network any more
    meter.release()
    if failure:
        return Measured(meter.label, 0, None, None, None, None, failure)
    middle, late = (float(one) for one in np.quantile(times, [0.5, 0.95]))
    return Measured(meter.label, repeats, middle, late, *peaks)


def _times(a: Architecture, setting: Setting, meter: Meter, warm_up: int, repeats: int) -> list[float]:
    with _products_in(setting.precision):
        step = _step(a, setting, meter.device)
        for _ in range(warm_up):
            step()
        meter.reset()
        return [meter.seconds(step) for _ in range(repeats)]


def _step(a: Architecture, setting: Setting, device: torch.device) -> Callable[[], None]:
    # The default device is set while building only: in a step it would cost every operator some Python.
    with torch.device(device):
        net = vallex_learner(a, setting.checkpointing).train()
        batch = vallex_batch(a, setting.context, setting.batch)
    optimiser = torch.optim.AdamW(learned_weights(net), fused=True)
    autocast = setting.precision == "bf16"

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        with attention_kernel(setting.attention):
            with torch.autocast(device.type, torch.bfloat16, enabled=autocast):
                total = net(AR, batch, 0)["total"]
            total.backward()
        optimiser.step()

    return step


@contextmanager
def _products_in(precision: Precision) -> Iterator[None]:
    """Products of float32 may use TF32 under ``tf32`` alone; afterwards as before."""
    products, convolutions = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    allowed = precision == "tf32"
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    torch.backends.cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(products)
        torch.backends.cudnn.allow_tf32 = convolutions
