"""What a training step will need of a device's memory, told before the first step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from components.core.errors import EnvironmentFaultError

_TEMPORARIES = 1.2
"""What operations need while they run, gradients of activations foremost, over what is kept for them."""
_GB = 1e9


@dataclass(frozen=True)
class Need:
    """Of one phase, in bytes. Samples of a pass are padded alike, so what is kept grows by a fixed number.

    Attributes:
        fixed: gradients, and what optimisers have not taken yet.
        each_pass: kept by a forward pass whatever its size (weights at lower precision).
        each_sample: kept for each sample beside that.
    """

    fixed: int
    each_pass: int
    each_sample: int

    @classmethod
    def measured(cls, kept: Callable[[int], int], fixed: int) -> Need:
        """From passes over one sample and over two.

        Args:
            kept: bytes that a forward pass over so many samples keeps for the backward pass.
            fixed: see above.
        """
        one, two = kept(1), kept(2)
        return cls(fixed, max(0, 2 * one - two), max(0, two - one))

    def kept(self, samples: int) -> int:
        """Bytes that a forward pass over so many samples keeps."""
        return self.each_pass + samples * self.each_sample

    def of(self, samples: int) -> int:
        """Bytes of a step that takes so many samples at a time."""
        return self.fixed + math.ceil(_TEMPORARIES * self.kept(samples))


@dataclass(frozen=True)
class Plan:
    """How a step fits.

    Attributes:
        micro_batch: samples per forward pass.
        checkpointing: whether blocks are computed again in the backward pass.
        bytes: predicted for the neediest phase.
    """

    micro_batch: int
    checkpointing: bool
    bytes: int


def longest(samples: Any) -> int:
    """Place of the longest sample of a dataset that tells ``lengths``, else of the first."""
    lengths = getattr(samples, "lengths", None)
    return 0 if lengths is None else max(range(len(lengths)), key=lengths.__getitem__)


def plan(
    needs: Callable[[bool], Sequence[Need]],
    micro_batch: int,
    room: int,
    checkpointing: bool,
    can_checkpoint: bool,
) -> Plan:
    """The largest pass that fits: halved as often as it takes, then with gradient checkpointing.

    The same ladder that `phase_step` climbs down when memory runs out all the same.

    Args:
        needs: of every phase, without and with checkpointing.
        micro_batch: samples per forward pass that are asked for.
        room: bytes.
        checkpointing: already asked for.
        can_checkpoint: whether the network knows how.

    Raises:
        EnvironmentFaultError: a single sample does not fit.
    """
    least = 0
    for kept_less in (False, True):
        if (checkpointing and not kept_less) or (kept_less and not (checkpointing or can_checkpoint)):
            continue
        found, size = needs(kept_less), micro_batch
        while True:
            least = max(need.of(size) for need in found)
            if least <= room:
                return Plan(size, kept_less, least)
            if size == 1:
                break
            size = math.ceil(size / 2)
    raise EnvironmentFaultError(
        who="memory before the first training step",
        expected=f"{least / _GB:.2f} GB for one sample at a time",
        found=f"{room / _GB:.2f} GB left",
        action="give it a larger device, or lower the model's size or the longest sample in params.yaml",
    )
