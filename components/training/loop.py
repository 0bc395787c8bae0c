"""The loop: draw a batch, let every phase step, now and then validate and save, until the budget is used.

A run on the CPU that is stopped and resumed equals the uninterrupted one to the bit (weights, average,
optimisers, generators, sampler), with the same number of threads and processes and without a CPU-second
budget. Several processes (`peers`), one a device, split each batch: the effective batch, and with it the
curve, stays that of one process up to the order in which floats are summed and to what is drawn at random.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sized
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import torch
from filelock import FileLock, Timeout
from torch.utils.data import DataLoader

from components.core.errors import RetryableError, StoppedError, TrainingDivergedError
from components.core.progress import Progress
from components.core.storage import atomic_folder
from components.nn.contracts import TrainingTask
from components.training import memory, rng
from components.training.budget import Budget, Limit
from components.training.device import device_label
from components.training.ema import first_not_finite
from components.training.held_out import validation_losses
from components.training.history import History, Observe, OthersHistory
from components.training.learner import Counters, Learner
from components.training.peers import Peers
from components.training.phase_step import PhaseReport, Sample
from components.training.result import TrainingResult
from components.training.sampler import BatchOrder, Shares
from components.training.saves import Saves
from components.training.stop_signal import StopSignal

_MAX_ROLLBACKS = 1


def train(
    task: TrainingTask,
    folder: Path,
    device: torch.device,
    progress: Progress,
    observe: Observe,
    workers: int = 0,
    peers: Peers | None = None,
) -> TrainingResult:
    """Train, or go on training, in ``folder``; it keeps checkpoints, curves and the delivered model.

    Args:
        task: what to train.
        folder: of this run alone. A checkpoint found in it is resumed.
        device: one CPU or GPU.
        progress: tells the person watching.
        observe: gets every point of the curves as it is made.
        workers: processes that load samples. 0 loads in this process; with more, samples that draw random
            numbers are no longer reproducible after a resumption.
        peers: the processes that train together, each in a call of its own with the same task and ``folder``;
            None: this one alone. The leader writes; all stop, skip and roll back together.

    Raises:
        StoppedError: SIGTERM or SIGINT came; the state is saved.
        TrainingDivergedError: losses stayed NaN or infinite, also after going back once.
        ConfigError: the checkpoint in ``folder`` belongs to another network, data or recipe.
        RetryableError: another process trains in ``folder``, or a peer is gone.
        StorageError: no space or no permission.
    """
    together = peers or Peers()
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock", timeout=0) if together.leads else nullcontext()
    try:
        with lock, StopSignal() as stop:
            run = _Run(task, folder, device, progress, observe, workers, stop, together)
            with progress.pulse.only_beats():
                return run.to_the_end()
    except Timeout as error:
        raise RetryableError(
            who=str(folder),
            expected="to be the only training run here",
            found="another process holds the lock",
            action="wait for it, or stop it",
        ) from error


class _Run:
    def __init__(
        self,
        task: TrainingTask,
        folder: Path,
        device: torch.device,
        progress: Progress,
        observe: Observe,
        workers: int,
        stop: StopSignal,
        peers: Peers,
    ) -> None:
        recipe = task.recipe
        self._task, self._folder, self._progress, self._peers = task, folder, progress, peers
        self._workers, self._stop, self._recipe, self._device = workers, stop, recipe, device
        identity = {"task": dict(task.identity), "recipe": dataclasses.asdict(recipe), "device": device.type}
        self._saves = Saves(folder / "checkpoints", identity, recipe.keep_checkpoints, peers, progress.say)
        self._budget = Budget(recipe.max_steps, recipe.max_cpu_seconds, recipe.anneal_share)
        self._shares = Shares(recipe.batch_size, recipe.gradient_accumulation, peers.rank, peers.world)
        self._order = BatchOrder(
            len(cast("Sized", task.train)),
            self._shares.effective,
            recipe.seed,
            getattr(task.train, "lengths", None),
        )
        self._counters = Counters(micro_batch=self._shares.micro_batch)
        kind = History if peers.leads else OthersHistory
        self._history = kind(folder / "points.jsonl", observe, progress.say)
        rng.seed_everything(recipe.seed, *([] if peers.leads else [peers.rank]))
        memory.watch(device)
        self._learner = Learner(task, device, progress.say, peers)
        self._clock, self._cpu_clock = time.monotonic(), time.process_time()
        self._resumed_from = self._resume()

    def to_the_end(self) -> TrainingResult:
        batches = self._batches()
        while True:
            limit = self._limit()
            if limit is None:
                self._step(next(batches))
            if limit is not None or self._counters.step % self._recipe.validate_every_steps == 0:
                self._validate()
            self._leave_if_asked()
            if limit is not None and self._save():
                return self._finish(limit)
            if limit is None and self._counters.step % self._recipe.checkpoint_every_steps == 0:
                self._save()

    def _resume(self) -> int | None:
        found = self._saves.newest()
        if found is None:
            self._history.rewind(-1)
            self._save()  # a full or read-only disk shows here, not after an hour; and there is a way back
            return None
        self._learner.restore(found.tensors, found.state)
        self._counters = Counters(**found.state["counters"])
        self._history.rewind(self._counters.step)
        self._progress.say(f"resuming at step {found.step}")
        if self._counters.step % self._recipe.validate_every_steps == 0 and self._counters.step > 0:
            self._validate()
        return found.step

    def _batches(self) -> Iterator[list[Sample]]:
        loader: DataLoader[Any] = DataLoader(
            self._task.train,
            batch_sampler=map(self._shares.of, self._order.starting_at(self._counters.position)),
            collate_fn=list,
            num_workers=self._workers,
            # Without its own generator, iterating draws a number from the global one: a resumed run would
            # have drawn one more than an uninterrupted run.
            generator=torch.Generator().manual_seed(self._recipe.seed),
        )
        return iter(loader)

    def _step(self, samples: list[Sample]) -> None:
        counters = self._counters
        factor = self._budget.rate_factor(counters.step, counters.cpu_seconds)
        reports = self._learner.step(samples, self._shares.effective, counters, factor)
        counters.step += 1
        counters.position += 1
        self._progress.pulse.beat("training", counters.step)
        self._tick()
        if not reports[-1].applied:
            self._skipped(reports[-1])
            return
        counters.skipped_in_a_row = 0
        if counters.step % self._recipe.log_every_steps == 0:
            self._history.log(counters.step, self._learner.curves(reports))
        self._show(reports[0])

    def _skipped(self, report: PhaseReport) -> None:
        counters = self._counters
        counters.skipped += 1
        if report.healthy:
            return
        counters.skipped_in_a_row += 1
        self._progress.say(
            f"step {counters.step}: loss or gradient is not finite, step skipped "
            f"({counters.skipped_in_a_row} of at most {self._recipe.max_skipped_steps} in a row)"
        )
        if counters.skipped_in_a_row > self._recipe.max_skipped_steps:
            self._roll_back(f"{counters.skipped_in_a_row} steps in a row without a finite loss")

    def _roll_back(self, reason: str) -> None:
        counters = self._counters
        found = self._saves.newest()
        if counters.rollbacks >= _MAX_ROLLBACKS or found is None:
            raise TrainingDivergedError(
                who=f"training at step {counters.step}",
                expected="finite losses",
                found=f"{reason}, after {counters.rollbacks} roll-back(s)",
                action="lower learning_rate or gradient_clip_norm, and look at the data of the last batches",
            )
        self._progress.say(f"{reason}: back to step {found.step}, past the batches in between")
        self._learner.restore(found.tensors, found.state)
        self._counters = dataclasses.replace(
            Counters(**found.state["counters"]),
            position=counters.position,
            seconds=counters.seconds,
            cpu_seconds=counters.cpu_seconds,
            skipped=counters.skipped,
            skipped_in_a_row=0,
            rollbacks=counters.rollbacks + 1,
            micro_batch=counters.micro_batch,
            checkpointing=counters.checkpointing,
        )
        self._history.rewind(self._counters.step)

    def _validate(self) -> None:
        counters = self._counters
        if counters.validated_at == counters.step:
            return
        losses = validation_losses(
            self._task, self._learner, counters.step, counters.micro_batch, self._peers, self._leaving
        )
        if losses is not None:
            counters.validated_at = counters.step
            self._history.log(counters.step, {f"validation/{name}": v for name, v in losses.items()})

    def _leaving(self) -> bool:
        self._progress.pulse.beat("validating", self._counters.step)
        return self._stop.received is not None

    def _save(self) -> bool:
        """Write a checkpoint; weights that are not finite are never saved but rolled back (False)."""
        tensors, state = self._learner.capture()
        for group in ("weights", "average"):
            name = first_not_finite(tensors[group])
            if name is not None:
                self._roll_back(f"{group} {name} is not finite")
                return False
        self._tick()
        self._history.sync()
        state["counters"] = dataclasses.asdict(self._counters)
        self._saves.write(self._counters.step, tensors, state)
        return True

    def _leave_if_asked(self) -> None:
        if not self._peers.any(self._stop.received is not None):
            return
        self._save()
        self._peers.wait()  # who ends first has the others ended, perhaps before the leader has written
        raise StoppedError(
            who=f"training at step {self._counters.step}",
            expected="to run to the end of its budget",
            found=self._stop.received or "a signal to another process",
            action="run the same command again; it goes on from this step",
        )

    def _finish(self, limit: Limit) -> TrainingResult:
        delivered = self._folder / "delivered"
        if self._peers.leads:
            with atomic_folder(delivered) as empty:
                self._task.deliver(self._learner.average.weights(), empty)
        self._peers.wait()
        counters = self._counters
        return TrainingResult(
            delivered=delivered,
            history=self._history.path,
            steps=counters.step,
            resumed_from=self._resumed_from,
            ended_by=limit,
            seconds=counters.seconds,
            cpu_seconds=counters.cpu_seconds,
            losses={point.key: point.value for point in self._history.points()},
            skipped_steps=counters.skipped,
            rollbacks=counters.rollbacks,
            micro_batch=counters.micro_batch,
            parameters=sum(p.numel() for p in self._task.network.parameters() if p.requires_grad),
            processes=self._peers.world,
            peak_memory=memory.peak(self._device),
            device=device_label(self._device),
        )

    def _limit(self) -> Limit | None:
        if self._recipe.max_cpu_seconds:  # the leader's clock decides for all
            self._counters.cpu_seconds = self._peers.of_leader(self._counters.cpu_seconds)
        return self._budget.reached(self._counters.step, self._counters.cpu_seconds)

    def _tick(self) -> None:
        now, cpu = time.monotonic(), time.process_time()
        self._counters.seconds += now - self._clock
        self._counters.cpu_seconds += cpu - self._cpu_clock
        self._clock, self._cpu_clock = now, cpu

    def _show(self, report: PhaseReport) -> None:
        counters = self._counters
        share = self._budget.share_used(counters.step, counters.cpu_seconds)
        pace = counters.step / counters.seconds if counters.seconds else 0.0
        note = f"step {counters.step}  loss {report.losses['total']:.4f}  {pace:.1f} steps/s"
        self._progress.update(share, 1.0, time.monotonic() - counters.seconds, note)
        self._progress.pulse.beat("training", counters.step)
