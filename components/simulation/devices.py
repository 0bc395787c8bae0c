"""What the data sheets say of the devices."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from components.core.errors import ConfigError

_SHEET = Path(__file__).with_name("devices.csv")
_HALF = (torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class Device:
    """Peaks of a device, none of which a kernel reaches.

    Attributes:
        name: as in devices.csv.
        memory_gib: on the device.
        bandwidth: bytes a second of its memory.
        multiprocessors: how many share out the tiles of a product.
        fp32, tf32, half: FLOP a second; tf32 equals fp32 where there is none.
    """

    name: str
    memory_gib: float
    bandwidth: float
    multiprocessors: int
    fp32: float
    tf32: float
    half: float

    def peak(self, dtype: torch.dtype, tf32: bool) -> tuple[float, bool]:
        """FLOP a second of products in that type, and whether tensor cores make them."""
        if dtype in _HALF:
            return self.half, True
        return (self.tf32, True) if tf32 and self.tf32 > self.fp32 else (self.fp32, False)


@cache
def devices() -> dict[str, Device]:
    """By name."""
    with _SHEET.open(encoding="utf-8", newline="") as sheet:
        return {row["name"]: _device(row) for row in csv.DictReader(sheet)}


def device(name: str) -> Device:
    """The device of that name.

    Raises:
        ConfigError: none.
    """
    known = devices()
    if name not in known:
        raise ConfigError(
            who="simulation",
            expected=f"one of {', '.join(known)}",
            found=f"device {name!r}",
            action="name a known one, or add its data sheet to components/simulation/devices.csv",
        )
    return known[name]


def _device(row: dict[str, str]) -> Device:
    tera = 1.0e12
    return Device(
        name=row["name"],
        memory_gib=float(row["memory_gib"]),
        bandwidth=float(row["bandwidth_gb_s"]) * 1.0e9,
        multiprocessors=int(row["multiprocessors"]),
        fp32=float(row["fp32_tflops"]) * tera,
        tf32=float(row["tf32_tflops"]) * tera,
        half=float(row["half_tflops"]) * tera,
    )
