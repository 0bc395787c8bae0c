"""What learns: network, its moving average and the phases; and all of that as tensors."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from components.core.errors import ConfigError, RetryableError
from components.nn.contracts import TrainingTask
from components.training import memory, rng
from components.training.device import fabric_for
from components.training.ema import MovingAverage, plain
from components.training.peers import Peers
from components.training.phase_step import PhaseReport, PhaseStep, Sample
from components.training.preflight import Need, longest, plan

_CHECKPOINTING = "enable_gradient_checkpointing"

Tensors = Mapping[str, Mapping[str, Tensor]]


@dataclasses.dataclass
class Counters:
    """Where a run stands.

    Attributes:
        step: optimiser steps begun, skipped ones included.
        position: batches drawn; after a roll-back it runs ahead of ``step``, past the data that diverged.
        seconds: wall clock in the loop, summed over resumptions.
        cpu_seconds: of this process in the loop, summed over resumptions.
        skipped_in_a_row: steps skipped for NaN or infinity since the last good one.
        skipped: the same, ever.
        rollbacks: returns to an earlier checkpoint.
        micro_batch: samples per forward pass.
        validated_at: step of the last complete validation.
        checkpointing: blocks are computed again in the backward pass, asked for or for want of memory.
    """

    step: int = 0
    position: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    skipped_in_a_row: int = 0
    skipped: int = 0
    rollbacks: int = 0
    micro_batch: int = 0
    validated_at: int = -1
    checkpointing: bool = False


class Learner:
    """A task's network on a device, ready to take steps and to be saved.

    Args:
        task: network, phases and recipe.
        device: where it runs.
        say: one line to the person watching.
        peers: who trains along; all begin from the leader's weights.

    Raises:
        ConfigError: phases or precision that cannot be, or gradient checkpointing that the network lacks.
        RetryableError: (any method) a peer is gone.
    """

    def __init__(
        self, task: TrainingTask, device: torch.device, say: Callable[[str], None], peers: Peers
    ) -> None:
        self._say, self._peers, self._seed = say, peers, task.recipe.seed
        self.checkpointing = task.recipe.gradient_checkpointing
        if self.checkpointing:
            _enable_gradient_checkpointing(task.network)
        self.device, self._train, self._looked_ahead = device, task.train, False
        self.fabric = fabric_for(device, task.recipe.precision)
        self.network = self.fabric.setup_module(task.network.train())
        peers.follow_leader([*task.network.parameters(), *task.network.buffers()])
        self.average = MovingAverage(task.network, task.recipe.ema_decay)
        self.phases = [
            PhaseStep(self.fabric, self.network, p, task.collate, say, peers, task.limit, self._lighten)
            for p in task.phases
        ]

    def step(
        self, samples: Sequence[Sample], effective: int, counters: Counters, rate_factor: float
    ) -> list[PhaseReport]:
        """Every phase in order over the same samples; a phase that fails its guard ends the step.

        The average moves only when every phase stepped. ``counters.micro_batch`` follows what fitted.

        Args:
            samples: this process's share of the batch.
            effective: samples of the whole batch.
            counters: of the run.
            rate_factor: what every phase's learning rate is multiplied by.
        """
        reports: list[PhaseReport] = []
        self._look_ahead(counters)
        for phase in self.phases:
            factor = phase.phase.schedule(counters.step) * rate_factor
            reports.append(phase.run(samples, effective, counters.step, factor, counters.micro_batch))
            counters.micro_batch, counters.checkpointing = reports[-1].micro_batch, self.checkpointing
            if not reports[-1].applied:
                break
        # Statistics that forward passes leave in buffers (batch norm) are those of the leader's samples.
        self._peers.follow_leader(list(self.network.module.buffers()))
        if reports[-1].applied:
            self.average.update(self.network.module)
        return reports

    def _look_ahead(self, counters: Counters) -> None:
        """Before the first step, on a device whose room is known: whether the longest sample's step fits.

        Raises:
            EnvironmentFaultError: not even one sample at a time, with gradient checkpointing where there is.
        """
        room = None if self._looked_ahead else memory.room(self.device)
        self._looked_ahead = True
        if room is None:
            return
        buffers = {name: value.clone() for name, value in self.network.module.named_buffers()}
        with rng.untouched(self.device):
            sample = self._train[longest(self._train)]

            def needs(checkpointing: bool) -> list[Need]:
                if checkpointing:
                    self._lighten()
                return [phase.need(sample, counters.step) for phase in self.phases]

            asked = min(phase.largest_pass(sample, counters.micro_batch) for phase in self.phases)
            can = hasattr(self.network.module, _CHECKPOINTING)
            found = plan(needs, asked, room, self.checkpointing, can)
        for name, value in self.network.module.named_buffers():
            value.copy_(buffers[name])
        self._say(
            f"memory: {found.bytes / 1e9:.2f} GB predicted for a step, {room / 1e9:.2f} GB left, "
            f"{found.micro_batch} samples at a time, checkpointing {'on' if found.checkpointing else 'off'}"
        )
        smaller = found.micro_batch if found.micro_batch < asked else counters.micro_batch
        counters.micro_batch = -self._peers.largest([-smaller])[0]
        counters.checkpointing = self.checkpointing

    def _lighten(self) -> bool:
        """Turn gradient checkpointing on; False where the network has none, or has it on."""
        if self.checkpointing or not hasattr(self.network.module, _CHECKPOINTING):
            return False
        _enable_gradient_checkpointing(self.network.module)
        self.checkpointing = True
        return True

    def curves(self, reports: Sequence[PhaseReport]) -> dict[str, float]:
        """What a step's reports say, keyed ``train/<phase>/<name>``."""
        values: dict[str, float] = {}
        for phase, report in zip(self.phases, reports, strict=True):
            name = phase.phase.name
            values |= {f"train/{name}/{key}": value for key, value in report.losses.items()}
            values[f"train/{name}/gradient_norm"] = report.gradient_norm
            values[f"train/{name}/learning_rate"] = phase.optimiser.param_groups[0]["lr"]
        return values

    def capture(self) -> tuple[Tensors, dict[str, Any]]:
        """Tensors by group and plain JSON, enough for `restore` to go on to the bit."""
        tensors: dict[str, Mapping[str, Tensor]] = {
            "weights": plain(self.network.module.state_dict()),
            "average": self.average.weights(),
        }
        for rank, generators in enumerate(self._peers.gather(rng.capture(self.device))):
            tensors[rng.group(rank)] = generators
        self._require_one_network(tensors["weights"])
        numbers: dict[str, Any] = {}
        for phase in self.phases:
            name = phase.phase.name
            tensors[f"optimiser_{name}"], numbers[name] = _optimiser_state(phase.optimiser)
        return tensors, {
            "processes": self._peers.world,
            "average_updates": self.average.updates,
            "optimisers": numbers,
            "scaler": self.fabric.strategy.precision.state_dict(),
        }

    def restore(self, tensors: Tensors, state: Mapping[str, Any]) -> None:
        """Back to what `capture` gave.

        With another number of processes than then, weights, optimisers and the order of batches go on; the
        generators (dropout, noise) begin anew, so the run is as good but not the same to the bit.
        """
        self.network.module.load_state_dict(tensors["weights"])
        if state.get("counters", {}).get("checkpointing"):
            self._lighten()
        self.average.network.load_state_dict(tensors["average"])
        self.average.updates = state["average_updates"]
        for phase in self.phases:
            name = phase.phase.name
            _restore_optimiser(phase.optimiser, tensors[f"optimiser_{name}"], state["optimisers"][name])
        self.fabric.strategy.precision.load_state_dict(dict(state["scaler"]))
        then = state.get("processes", 1)
        if then == self._peers.world:
            rng.restore(tensors[rng.group(self._peers.rank)], self.device)
            return
        self._say(f"saved by {then} process(es), {self._peers.world} now: random generators begin anew")
        rng.seed_everything(self._seed, self._peers.rank, state["counters"]["step"], self._peers.world)

    def _require_one_network(self, weights: Mapping[str, Tensor]) -> None:
        """Processes that drifted apart train nothing: better no checkpoint than one of them."""
        if self._peers.alone:
            return
        digest = hashlib.sha256()
        for name, value in sorted(weights.items()):
            digest.update(name.encode() + value.flatten().view(torch.uint8).numpy().tobytes())
        digests = self._peers.gather(digest.hexdigest())
        if len(set(digests)) > 1:
            raise RetryableError(
                who=f"training process {self._peers.rank} of {self._peers.world}",
                expected="the same weights in every process",
                found=f"{len(set(digests))} different ones",
                action="run again from the last checkpoint; if it repeats, suspect a device or its driver",
            )


def _optimiser_state(optimiser: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Per-parameter state as ``<parameter number>/<name>``; hyperparameters are the recipe's, not saved."""
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Any] = {}
    for parameter, entries in optimiser.state_dict()["state"].items():
        for name, value in entries.items():
            place = f"{parameter}/{name}"
            if isinstance(value, Tensor):
                tensors[place] = value
            else:
                numbers[place] = value
    return plain(tensors), numbers


def _restore_optimiser(
    optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]
) -> None:
    state: dict[int, dict[str, Any]] = {}
    for place, value in {**tensors, **numbers}.items():
        parameter, name = place.split("/", 1)
        state.setdefault(int(parameter), {})[name] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})


def _enable_gradient_checkpointing(network: torch.nn.Module) -> None:
    enable = getattr(network, _CHECKPOINTING, None)
    if enable is None:
        raise ConfigError(
            who=f"training.gradient_checkpointing of {type(network).__name__}",
            expected="a network with enable_gradient_checkpointing()",
            found="none",
            action="set it to false, or give the network that method",
        )
    enable()
