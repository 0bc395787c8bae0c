"""Memory: peaks of this process and its GPU, what autograd keeps for the backward pass, and what is left."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

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


def room(device: torch.device) -> int | None:
    """Bytes that are still to be had on a GPU, the caching allocator's own reserve included.

    None on the CPU: what the kernel lends, another process may ask back at any moment.
    """
    if device.type != "cuda":
        return None
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


class SavedTensors:
    """Counts the bytes that autograd keeps for the backward pass; a context around the forward pass.

    Each storage counts once, however many operations keep a view of it; those given at the beginning
    (parameters, the batch) lie there anyway and do not count. A checkpointed block counts its input alone,
    as it keeps nothing else (`torch.utils.checkpoint` without re-entrance hides the rest from hooks).
    The losses must live as long as the context.

    Args:
        there: tensors that are there already.

    Attributes:
        bytes: kept so far.
    """

    def __init__(self, there: Iterable[Tensor] = ()) -> None:
        self.bytes = 0
        self._seen = {_identity(one.untyped_storage()) for one in there}
        self._hooks = torch.autograd.graph.saved_tensors_hooks(self._kept, lambda tensor: tensor)

    def __enter__(self) -> Self:
        """Begin to count."""
        self._hooks.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._hooks.__exit__()

    def _kept(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        identity = _identity(storage)
        if identity not in self._seen:
            self._seen.add(identity)
            self.bytes += storage.nbytes()
        return tensor


def _identity(storage: torch.UntypedStorage) -> int:
    """Tells storages apart; those without memory (shapes alone) have one too, unlike an address."""
    return int(StorageWeakRef(storage).cdata)  # type: ignore[no-untyped-call]
