"""The cells of the experiment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from components.core.params.experiment import Attention, ExperimentParams, Precision


@dataclass(frozen=True)
class Setting:
    """One way to train.

    Attributes:
        precision: bf16 is autocast over float32 weights.
        checkpointing: activations of blocks are computed again in the backward pass.
        attention: whether scores are written to memory.
        context: codes of the first codebook in each row.
        batch: rows.
    """

    precision: Precision
    checkpointing: bool
    attention: Attention
    context: int
    batch: int

    @property
    def told(self) -> str:
        """In a line; also a metric's name, which allows neither commas nor colons."""
        kept = "checkpointing" if self.checkpointing else "all kept"
        return f"{self.context} x {self.batch} {self.precision} {self.attention} {kept}"


def grid(params: ExperimentParams) -> Iterator[Setting]:
    """Every combination; those that share a trace lie side by side."""
    rows = product(
        params.contexts, params.batches, params.attentions, params.checkpointing, params.precisions
    )
    for context, batch, attention, checkpointing, precision in rows:
        yield Setting(precision, checkpointing, attention, context, batch)
