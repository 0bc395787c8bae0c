"""The processes that train one network together, and all that passes between them.

Gradients are added up by hand, once an optimiser step, not by torch's DistributedDataParallel: its reducer
counts on every parameter getting a gradient in every backward pass, which phases with frozen halves, unused
branches and passes that ran out of memory do not keep (docs/adr/0016). Small decisions travel over gloo on
the CPU, whatever the device: a peer that died is noticed there at once, where NCCL would wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from components.core import ranks
from components.core.errors import RetryableError

_CPU_BACKEND, _GPU_BACKEND = "gloo", "cpu:gloo,cuda:nccl"
#: Tensors travel together up to this size: few messages, and little memory for the copy.
_BYTES_TOGETHER = 64 * 2**20

Value = TypeVar("Value")


class Peers:
    """This process among its peers; alone, every question is answered by itself and nothing is copied.

    Every method is called by all of them, in the same order.

    Attributes:
        rank: number of this process; 0 leads.
        world: how many there are.

    Raises:
        RetryableError: (any method) a peer died, or did not answer in time.
    """

    def __init__(self, rank: int = 0, world: int = 1) -> None:
        self.rank, self.world = rank, world

    @property
    def alone(self) -> bool:
        """There is no other."""
        return self.world == 1

    @property
    def leads(self) -> bool:
        """This process writes checkpoints, curves and the delivered model."""
        return self.rank == 0

    def any(self, flag: bool) -> bool:
        """Whether ``flag`` is true for any of them."""
        return flag if self.alone else bool(self.largest([int(flag)])[0])

    def largest(self, values: Sequence[int]) -> list[int]:
        """The largest of each value over all."""
        if self.alone:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.int64)
        with _peers_are_there():
            dist.all_reduce(tensor, dist.ReduceOp.MAX)
        return [int(value) for value in tensor.tolist()]

    def of_leader(self, value: Value) -> Value:
        """The leader's value; small and picklable."""
        if self.alone:
            return value
        held = [value]
        with _peers_are_there():
            dist.broadcast_object_list(held, src=0)
        return held[0]

    def gather(self, value: Value) -> list[Value]:
        """Everybody's value, by rank; small and picklable."""
        if self.alone:
            return [value]
        values: list[Value] = [value] * self.world
        with _peers_are_there():
            dist.all_gather_object(values, value)
        return values

    def wait(self) -> None:
        """Until all are here."""
        self.any(False)

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Each tensor becomes its sum over all, the same bits for everyone."""
        for group in self._together(tensors):
            flat = torch.cat([tensor.detach().reshape(-1) for tensor in group])
            with _peers_are_there():
                dist.all_reduce(flat)
            _put_back(flat, group)

    def follow_leader(self, tensors: Sequence[Tensor]) -> None:
        """Each tensor becomes the leader's."""
        for group in self._together(tensors):
            flat = torch.cat([tensor.detach().reshape(-1) for tensor in group])
            with _peers_are_there():
                dist.broadcast(flat, src=0)
            _put_back(flat, group)

    def _together(self, tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
        """Neighbours of one type, up to a size; nothing for a process alone."""
        group: list[Tensor] = []
        for tensor in () if self.alone else tensors:
            if group and (tensor.dtype != group[0].dtype or _bytes([*group, tensor]) > _BYTES_TOGETHER):
                yield group
                group = []
            group.append(tensor)
        if group:
            yield group


def join(device: torch.device, timeout_s: float) -> Peers:
    """Meet the processes that torchrun started beside this one; without torchrun, be alone.

    Args:
        device: of this process; a GPU brings NCCL along.
        timeout_s: how long to wait for a peer, here and in everything that follows.

    Raises:
        RetryableError: not all of them came.
    """
    if ranks.world_size() == 1:
        return Peers()
    if not dist.is_initialized():
        if device.type == "cuda":
            torch.cuda.set_device(device)
        backend = _GPU_BACKEND if device.type == "cuda" else _CPU_BACKEND
        with _peers_are_there():
            dist.init_process_group(backend, timeout=timedelta(seconds=timeout_s))
    return Peers(dist.get_rank(), dist.get_world_size())


@contextmanager
def _peers_are_there() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise RetryableError(
            who=f"training process {ranks.rank()} of {ranks.world_size()}",
            expected="every other process to take part",
            found=f"one is gone or silent ({str(error).splitlines()[0][:160]})",
            action="look at what the others said; run again, it goes on from the last checkpoint",
        ) from error


def _bytes(tensors: Sequence[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


@torch.no_grad()
def _put_back(flat: Tensor, tensors: Sequence[Tensor]) -> None:
    start = 0
    for tensor in tensors:
        tensor.copy_(flat[start : start + tensor.numel()].view_as(tensor))
        start += tensor.numel()
