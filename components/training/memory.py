"""Peak memory of this process and, where there is one, of its GPU."""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass

import torch

_BYTES_PER_GB = 1e9
#: getrusage counts kilobytes on Linux and bytes on macOS.
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class PeakMemory:
    """In GB (1e9 bytes); the GPU's are None on a machine without one.

    Attributes:
        rss_gb: resident set of the whole process so far, earlier stages in the same process included.
        allocated_gb: tensors on the GPU at their peak since `watch`.
        reserved_gb: what the caching allocator held at its peak.
    """

    rss_gb: float
    allocated_gb: float | None
    reserved_gb: float | None


def watch(device: torch.device) -> None:
    """Begin a new peak on the GPU; the resident set's peak cannot be reset."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak(device: torch.device) -> PeakMemory:
    """The peaks up to now."""
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT / _BYTES_PER_GB
    if device.type != "cuda":
        return PeakMemory(rss, None, None)
    return PeakMemory(
        rss,
        torch.cuda.max_memory_allocated(device) / _BYTES_PER_GB,
        torch.cuda.max_memory_reserved(device) / _BYTES_PER_GB,
    )
