"""Fabric for one device, and the precision in which a network runs there."""

from __future__ import annotations

from typing import Any, Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import MixedPrecision, Precision

from components.core.errors import ConfigError
from components.core.provenance import cpu_label

_PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")


class _InputsAsTheyAre(MixedPrecision):  # type: ignore[misc]  # mypy does not follow lightning_fabric
    """Autocast that leaves the batch alone.

    Fabric's own plugin rounds every float of the batch to half precision before the network sees it. Targets
    would lose bits with that: a pitch of 219.4 Hz becomes 219 in bfloat16.
    """

    def convert_input(self, data: Any) -> Any:
        """The batch, unchanged."""
        return data


def device_label(device: torch.device) -> str:
    """``NVIDIA A100-SXM4-80GB`` or ``cpu: <model name>``."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else cpu_label()


def fabric_for(device: torch.device, precision: str) -> Fabric:
    """A single-device Fabric.

    Raises:
        ConfigError: a precision that this loop does not know.
    """
    plugin = _precision_plugin(device.type, precision)
    devices: Any = [device.index or 0] if device.type == "cuda" else 1
    return Fabric(accelerator=device.type, devices=devices, plugins=[plugin])


def _precision_plugin(kind: str, precision: str) -> Precision:
    mixed: Literal["bf16-mixed", "16-mixed"]
    if precision == "32-true":
        return Precision()
    if precision == "bf16-mixed":
        mixed = "bf16-mixed"
    elif precision == "16-mixed":
        mixed = "16-mixed"
    else:
        raise ConfigError(
            who="models.<name>.training.precision",
            expected=f"one of {', '.join(_PRECISIONS)}",
            found=repr(precision),
            action="correct it in params.yaml or the profile",
        )
    scaler = torch.amp.GradScaler(device=kind) if mixed == "16-mixed" else None
    return _InputsAsTheyAre(mixed, kind, scaler)
