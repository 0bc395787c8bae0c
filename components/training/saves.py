"""The checkpoints of a run: the leader picks and writes them, all processes take up the same one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from components.training import checkpoint
from components.training.checkpoint import Checkpoint
from components.training.peers import Peers


class Saves:
    """The checkpoints below a folder that every process sees.

    Args:
        folder: of one run.
        identity: what a checkpoint must agree on to be taken up.
        keep: how many stay.
        peers: who trains together.
        say: one line to the person watching.
    """

    def __init__(
        self, folder: Path, identity: Mapping[str, Any], keep: int, peers: Peers, say: Callable[[str], None]
    ) -> None:
        self._folder, self._identity, self._keep, self._peers, self._say = folder, identity, keep, peers, say

    def newest(self) -> Checkpoint | None:
        """The newest whole one, the same for all; None where there is none.

        Raises:
            ConfigError: it belongs to another network, data set or recipe.
            CorruptFileError: the leader found it whole, this process does not.
        """
        found = None
        if self._peers.leads:
            found = checkpoint.latest(self._folder, self._identity, self._say)
        step = self._peers.of_leader(found.step if found else None)
        if self._peers.leads or step is None:
            return found
        return checkpoint.at(self._folder, step, self._identity)

    def write(self, step: int, tensors: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Any]) -> None:
        """Write one, if this process leads.

        Raises:
            StorageError: no space or no permission.
        """
        if self._peers.leads:
            whole = Checkpoint(step, tensors, state)
            checkpoint.save(self._folder, whole, self._identity, self._keep)
