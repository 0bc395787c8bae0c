"""Mapping a function over items on several processes, with a bar, in the order of the items."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

from components.core.errors import RetryableError
from components.core.progress import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Each worker is one core's worth: without this every worker would start a BLAS thread per core.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_CHUNKS_IN_FLIGHT_PER_WORKER = 4
#: In a worker: the one function it applies. It travels once, for a network may be in it.
_function: list[Callable[[Any], Any]] = []


def map_in_processes(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int,
    progress: Progress,
    note: str = "",
    chunk: int = 8,
) -> Iterator[Result]:
    """``function`` of every item, in order; one worker means this process and no pool.

    Workers are started by a fork server, never forked from here: a fork of a process in which torch or
    MLflow run threads can deadlock. Only a few chunks are in flight, so memory does not grow with ``items``.

    Args:
        function: a module-level function (it is pickled), or a partial of one.
        items: picklable.
        workers: processes.
        progress: gets a bar with the time left.
        note: what is counted, for the bar.
        chunk: items handed to a worker at a time.

    Raises:
        RetryableError: a worker was killed from outside (out of memory, usually).
    """
    if workers <= 1 or len(items) <= chunk:
        yield from progress.track(map(_on_one_thread(function), items), len(items), note)
        return
    results = _in_pool(function, items, workers, chunk)
    try:
        yield from progress.track(results, len(items), note)
    except BrokenProcessPool as error:
        raise RetryableError(
            who=f"{progress.label}: a worker process",
            expected=f"{workers} workers to live to the end",
            found="one was killed from outside (out of memory?)",
            action="run again; if it happens again, lower platform.workers",
        ) from error
    finally:
        results.close()


def _on_one_thread(function: Callable[[Item], Result]) -> Callable[[Item], Result]:
    """With as many BLAS threads as a worker has: sums in another order would give other last bits."""
    controller = ThreadpoolController()

    def call(item: Item) -> Result:
        with controller.limit(limits=1, user_api="blas"):
            return function(item)

    return call


def _in_pool(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int, chunk: int
) -> Generator[Result, None, None]:
    chunks = (items[start : start + chunk] for start in range(0, len(items), chunk))
    context = multiprocessing.get_context("forkserver")
    pool = ProcessPoolExecutor(
        workers, mp_context=context, initializer=_become_worker, initargs=(pickle.dumps(function),)
    )
    pending: list[Future[list[Result]]] = []
    try:
        for part in chunks:
            pending.append(pool.submit(_run_chunk, part))
            if len(pending) >= workers * _CHUNKS_IN_FLIGHT_PER_WORKER:
                yield from pending.pop(0).result()
        while pending:
            yield from pending.pop(0).result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _run_chunk(part: Sequence[Any]) -> list[Any]:
    return [_function[0](item) for item in part]


def _become_worker(function: bytes) -> None:
    """Sets the thread limits, then unpickles the function: numpy and torch, which come with it, obey them."""
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = "1"
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _function.append(pickle.loads(function))  # noqa: S301 - what the parent pickled


def _die_with_parent() -> None:
    """A pool worker whose parent got kill -9 would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
