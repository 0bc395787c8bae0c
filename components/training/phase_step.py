"""One phase's turn in a training step: accumulate, guard, clip, step; smaller bites when memory runs out."""

from __future__ import annotations

import gc
import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from components.core.errors import ConfigError, EnvironmentFaultError
from components.nn.contracts import Batch, Phase
from components.nn.size_limit import SizeLimit
from components.training.memory import SavedTensors
from components.training.peers import Peers
from components.training.preflight import Need

_HALVINGS = 3
#: Tensors of a parameter's size that Adam keeps for it.
_MOMENTS = 2
_MORE_THAN_THERE_IS = 1 << 60
#: With float16 the gradient scaler meets overflows as a matter of course and lowers its scale. Below this
#: scale the losses themselves are at fault.
_LOWEST_HONEST_SCALE = 1.0
_CPU_ALLOCATION_FAILURE = "can't allocate memory"

Sample = Mapping[str, Any]
Collate = Callable[[Sequence[Sample]], Batch]


@dataclass(frozen=True)
class PhaseReport:
    """What a phase did.

    Attributes:
        losses: mean over the step's samples, everybody's, of all that the network reported; empty unless
            ``applied``.
        gradient_norm: before clipping.
        applied: the optimiser stepped.
        healthy: False when loss or gradient was NaN or infinite (a float16 overflow alone is healthy).
        micro_batch: samples per forward pass that fitted.
    """

    losses: Mapping[str, float]
    gradient_norm: float
    applied: bool
    healthy: bool
    micro_batch: int


class PhaseStep:
    """The optimiser of one phase and the parameters that only it may change.

    Args:
        fabric: device and precision.
        network: set up by Fabric.
        phase: the recipe's phase.
        collate: samples to a batch.
        say: one line to the person watching.
        peers: who takes the same step over other samples. They see the same summed gradients and losses, so
            they skip, clip and step alike; running out of memory they tell each other.
        limit: of a forward pass, beside the number of samples.
        lighten: has the network keep less for the backward pass; False where it cannot, or does already.

    Raises:
        ConfigError: the phase names a submodule that the network lacks, or owns nothing trainable.
        RetryableError: a peer is gone.
    """

    def __init__(
        self,
        fabric: Fabric,
        network: Any,
        phase: Phase,
        collate: Collate,
        say: Callable[[str], None],
        peers: Peers,
        limit: SizeLimit | None = None,
        lighten: Callable[[], bool] = lambda: False,
    ) -> None:
        self._limit, self._lighten = limit, lighten
        self._fabric, self._network, self._collate, self._say = fabric, network, collate, say
        self.phase, self._peers = phase, peers
        trainable = [p for p in network.module.parameters() if p.requires_grad]
        self._own = owned_parameters(network.module, phase)
        own = {id(p) for p in self._own}
        self._others = [p for p in trainable if id(p) not in own]
        self.optimiser = fabric.setup_optimizers(phase.optimiser(self._own))
        self._rates = [group["lr"] for group in self.optimiser.param_groups]

    def run(
        self, samples: Sequence[Sample], effective: int, step: int, rate_factor: float, micro_batch: int
    ) -> PhaseReport:
        """One optimiser step over ``samples``, at most ``micro_batch`` of them at a time.

        Out of memory, here or at a peer, halves the micro-batch and so doubles the accumulation; the
        effective batch stays. ``effective`` counts it over all peers. Where halving does not help any more,
        gradient checkpointing is turned on. The step is taken again each time, from its beginning.

        Raises:
            EnvironmentFaultError: it does not fit even so.
        """
        halvings = 0
        while True:
            try:
                return self._attempt(samples, effective, step, rate_factor, micro_batch)
            except (RuntimeError, MemoryError) as error:
                if not _is_out_of_memory(error):
                    raise
                cause = str(error).splitlines()[0] if str(error) else type(error).__name__
            self._release()
            if halvings == _HALVINGS or micro_batch == 1:
                if not self._lighten():
                    break
                self._say(f"out of memory in step {step}: gradient checkpointing from here")
                continue
            halvings += 1
            micro_batch = math.ceil(micro_batch / 2)
            self._say(
                f"out of memory in step {step}: {micro_batch} samples at a time from here, "
                f"still {effective} a step"
            )
        raise EnvironmentFaultError(
            who=f"training phase {self.phase.name}",
            expected=f"memory for {micro_batch} sample(s) at a time",
            found=f"out of memory after {halvings} halvings ({cause})",
            action="give it a larger device, or lower batch_size or the model's size in params.yaml",
        )

    def _attempt(
        self, samples: Sequence[Sample], effective: int, step: int, rate_factor: float, micro_batch: int
    ) -> PhaseReport:
        for group, rate in zip(self.optimiser.param_groups, self._rates, strict=True):
            group["lr"] = rate * rate_factor
        self.optimiser.zero_grad(set_to_none=True)
        with _frozen(self._others):
            sums = self._added_up(samples, effective, step, micro_batch)
        limit = math.inf if self.phase.clip_norm is None else self.phase.clip_norm
        norm = self._fabric.clip_gradients(
            self._network, self.optimiser, max_norm=limit, error_if_nonfinite=False
        )
        loss_finite, norm_finite = torch.stack([sums["total"], norm.to(sums["total"])]).isfinite().tolist()
        scaler = getattr(self._fabric.strategy.precision, "scaler", None)
        applied = loss_finite and norm_finite
        overflow = scaler is not None and loss_finite and scaler.get_scale() >= _LOWEST_HONEST_SCALE
        if applied:
            self.optimiser.step()
        elif scaler is not None:
            scaler.update()
        self.optimiser.zero_grad(set_to_none=True)
        losses = {name: float(value) for name, value in sums.items()} if applied else {}
        return PhaseReport(losses, float(norm), applied, applied or overflow, micro_batch)

    def _added_up(
        self, samples: Sequence[Sample], effective: int, step: int, micro_batch: int
    ) -> dict[str, Tensor]:
        """Everybody's gradients and sums: each process goes on as one alone would over all samples."""
        if self._peers.alone:
            return self._accumulate(samples, effective, step, micro_batch)
        sums: dict[str, Tensor] = {}
        cause = ""
        try:
            sums = self._accumulate(samples, effective, step, micro_batch)
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
            cause = f"{error}" or type(error).__name__
        names = sorted(sums)
        told = zlib.crc32("\n".join(names).encode())
        has_gradient = [int(parameter.grad is not None) for parameter in self._own]
        ran_out, highest, lowest, *needed = self._peers.largest(
            [int(cause != ""), told, -told, *has_gradient]
        )
        if ran_out:
            raise torch.OutOfMemoryError(cause or "on another process")
        if highest != -lowest:  # a loss that only some samples have
            names = sorted({name for theirs in self._peers.gather(names) for name in theirs})
        for parameter, need in zip(self._own, needed, strict=True):
            if need and parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        nothing = torch.zeros((), device=self._own[0].device)
        values = torch.stack([sums.get(name, nothing) for name in names])
        self._peers.add_up([*(p.grad for p in self._own if p.grad is not None), values])
        return dict(zip(names, values.unbind(), strict=True))

    def _accumulate(
        self, samples: Sequence[Sample], effective: int, step: int, micro_batch: int
    ) -> dict[str, Tensor]:
        """This share's part of the gradients of an effective batch's mean loss, and of every scalar."""
        sums: dict[str, Tensor] = {}
        for part in self._parts(samples, micro_batch):
            batch = self._fabric.to_device(self._collate(part))
            losses = self._network(self.phase.name, batch, step)
            weight = len(part) / effective
            self._fabric.backward(losses["total"] * weight)
            for name, value in losses.items():
                share = value.detach().float() * weight
                sums[name] = sums[name] + share if name in sums else share
        return sums

    def need(self, sample: Sample, step: int) -> Need:
        """What a step over samples as long as this one needs beside what is there.

        From forward passes over one and over two of it; buffers and generators are the caller's to put back.
        """

        def kept(count: int) -> int:
            batch = self._fabric.to_device(self._collate([sample] * count))
            there = [*self._network.parameters(), *(v for v in batch.values() if isinstance(v, Tensor))]
            with _frozen(self._others), SavedTensors(there) as saved:
                losses = self._network(self.phase.name, batch, step)
                return saved.bytes if losses else 0

        own = sum(p.numel() * p.element_size() for p in self._own)
        missing = 0 if self.optimiser.state else _MOMENTS * own
        try:
            return Need.measured(kept, own + missing)
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
            self._release()
            return Need(own + missing, _MORE_THAN_THERE_IS, 0)

    def largest_pass(self, sample: Sample, micro_batch: int) -> int:
        """Samples as long as this one in a forward pass, if at most ``micro_batch`` are asked for."""
        if self._limit is None:
            return micro_batch
        return min(micro_batch, max(1, self._limit.most // max(1, self._limit.of(sample))))

    def _parts(self, samples: Sequence[Sample], micro_batch: int) -> Iterator[Sequence[Sample]]:
        if self._limit is not None:
            yield from self._limit.parts(samples, micro_batch)
            return
        for start in range(0, len(samples), micro_batch):
            yield samples[start : start + micro_batch]

    def _release(self) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def owned_parameters(network: nn.Module, phase: Phase) -> list[nn.Parameter]:
    """The trainable parameters of a phase's modules, each once, in the network's order.

    Raises:
        ConfigError: no such submodule, or nothing trainable in it.
    """
    wanted: set[int] = set()
    for name in phase.modules:
        try:
            module = network.get_submodule(name)
        except AttributeError as error:
            raise _bad_phase(phase, f"a submodule {name!r}", "none of that name") from error
        wanted |= {id(p) for p in module.parameters()}
    owned = [p for p in network.parameters() if id(p) in wanted and p.requires_grad]
    if not owned:
        raise _bad_phase(phase, "at least one trainable parameter", "none")
    return owned


@contextmanager
def _frozen(parameters: Sequence[nn.Parameter]) -> Iterator[None]:
    """Let gradients pass through these parameters without collecting any."""
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)


def _is_out_of_memory(error: RuntimeError | MemoryError) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or _CPU_ALLOCATION_FAILURE in str(error)


def _bad_phase(phase: Phase, expected: str, found: str) -> ConfigError:
    return ConfigError(
        who=f"training phase {phase.name}",
        expected=expected,
        found=found,
        action="correct Phase.modules in the model's spec.py",
    )
