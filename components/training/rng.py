"""The state of every global random generator, as tensors: a checkpoint holds no pickled object."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

_PYTHON_STATE_VERSION = 3


def seed_everything(seed: int, *more: int) -> None:
    """Seed python, numpy and torch (all devices).

    Args:
        seed: of the run.
        more: what makes these generators differ from those of the run's first process (its number, a step).
    """
    if more:
        seed = int(np.random.SeedSequence([seed, *more]).generate_state(1)[0])
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def capture(device: torch.device) -> dict[str, Tensor]:
    """The generators' states: python and numpy words as int64, torch's bytes as uint8."""
    _, words, gauss = random.getstate()
    # The tuple form is only defined for numpy's own global generator, MT19937.
    _, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    state = {
        "python.words": torch.tensor(words, dtype=torch.int64),
        "python.gauss": torch.tensor([float("nan") if gauss is None else gauss], dtype=torch.float64),
        "numpy.keys": torch.from_numpy(np.asarray(keys).astype(np.int64)),
        "numpy.position": torch.tensor([position, has_gauss], dtype=torch.int64),
        "numpy.gauss": torch.tensor([cached], dtype=torch.float64),
        "torch.cpu": torch.get_rng_state().clone(),
    }
    if device.type == "cuda":
        state["torch.cuda"] = torch.cuda.get_rng_state(device)
    return state


def restore(state: Mapping[str, Tensor], device: torch.device) -> None:
    """Put the generators back where `capture` found them."""
    gauss = float(state["python.gauss"][0])
    words = tuple(state["python.words"].tolist())
    random.setstate((_PYTHON_STATE_VERSION, words, None if np.isnan(gauss) else gauss))
    position, has_gauss = state["numpy.position"].tolist()
    keys = state["numpy.keys"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", keys, position, has_gauss, float(state["numpy.gauss"][0])))
    torch.set_rng_state(state["torch.cpu"])
    if device.type == "cuda" and "torch.cuda" in state:
        torch.cuda.set_rng_state(state["torch.cuda"], device)


def group(rank: int) -> str:
    """The name under which a checkpoint keeps a process's generators."""
    return "rng" if rank == 0 else f"rng_{rank}"


@contextmanager
def untouched(device: torch.device) -> Iterator[None]:
    """Whatever draws random numbers inside leaves the generators as they were (validation, say)."""
    state = capture(device)
    try:
        yield
    finally:
        restore(state, device)
