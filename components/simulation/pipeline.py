"""From a text to a speaking face on a device that is not here: which path takes how long."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from components.simulation import language_model, workloads
from components.simulation.cost import Efficiency, Mode, seconds_of
from components.simulation.devices import Device
from components.simulation.sizes import Sizes
from components.simulation.workloads import Workload

PROMPT_SECONDS = 3.0
FACES_AT_A_TIME = 25
"""Frames of a second; more at a time changes little, since one frame fills the device already."""
FAST, ZERO_SHOT = "FastPitch", "VALL-E X"


@dataclass(frozen=True)
class Setting:
    """One way to run every network of a path.

    Attributes:
        told: in a word.
        dtype: of weights and activations.
        mode: of the device.
        cached: VALL-E X keeps its keys and values.
    """

    told: str
    dtype: torch.dtype
    mode: Mode
    cached: bool = True


SETTINGS = (
    Setting("fp32 without TF32", torch.float32, Mode(tf32=False)),
    Setting("fp32 with TF32", torch.float32, Mode()),
    Setting("bf16, no KV cache", torch.bfloat16, Mode(), cached=False),
    Setting("bf16", torch.bfloat16, Mode()),
    Setting("bf16, captured graphs", torch.bfloat16, Mode(captured=True)),
)


@dataclass(frozen=True)
class Path:
    """A row of the table; every figure is simulated.

    Attributes:
        speaks: which model makes the speech.
        seconds_of_speech: its length.
        setting: how it was run.
        parts: workload and its seconds, in order.
        error: relative, of held-out published rows.
    """

    speaks: str
    seconds_of_speech: float
    setting: Setting
    parts: tuple[tuple[Workload, float], ...]
    error: float

    @property
    def seconds(self) -> float:
        """Of everything, one module after the other."""
        return sum(took for _, took in self.parts)

    def again(self, device: Device, efficiency: Efficiency) -> float:
        """Seconds of the same traces under other assumptions."""
        return sum(seconds_of(one.passes, device, efficiency, self.setting.mode) for one, _ in self.parts)


def paths(
    sizes: Sizes, device: Device, efficiency: Efficiency, lengths: tuple[float, ...] = (3.0, 6.0)
) -> list[Path]:
    """Every path at every length in every setting; FastPitch has no use for a cache, so that row is left out.

    Args:
        sizes: of the networks.
        device: where it would run.
        efficiency: of `calibration.fitted`.
        lengths: seconds of speech.
    """
    found = []
    for speaks in (FAST, ZERO_SHOT):
        for length in lengths:
            for setting in SETTINGS:
                if setting.cached or speaks == ZERO_SHOT:
                    modules = _modules(sizes, speaks, length, setting)
                    timed = tuple(
                        (one, seconds_of(one.passes, device, efficiency, setting.mode)) for one in modules
                    )
                    found.append(Path(speaks, length, setting, timed, efficiency.error))
    return found


def _modules(sizes: Sizes, speaks: str, length: float, setting: Setting) -> list[Workload]:
    dtype = setting.dtype
    if speaks == FAST:
        spoken = [
            workloads.fastpitch(sizes.fastpitch, length, 1, dtype),
            workloads.vocoder(sizes.vocoder, length, 1, dtype),
        ]
    else:
        spoken = [
            language_model.vallex(sizes.vallex, length, PROMPT_SECONDS, 1, dtype, setting.cached),
            language_model.encodec(length, 1, dtype),
        ]
    return [
        *spoken,
        workloads.content(sizes.content, length, 1, dtype),
        workloads.rvc(sizes.rvc, length, 1, dtype),
        workloads.wav2lip(sizes.wav2lip, length, FACES_AT_A_TIME, dtype),
    ]
