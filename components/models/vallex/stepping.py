"""One decoding step after the other: over as much memory as is used, or as one captured graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from components.models.vallex.cache import Cache
from components.models.vallex.network import AutoRegressive, Text


@dataclass(frozen=True)
class Prefix:
    """What every step of a batch needs.

    Attributes:
        model: in evaluation.
        text: B rows of L symbols.
        table: [T, C] sinusoidal positions.
        guide: [B, T, C] what each frame is about, or None.
        cache: holds the keys and values of the text and of what was heard before.
        even: rows are equally long, so that nothing has to be masked.
    """

    model: AutoRegressive
    text: Text
    table: Tensor
    guide: Tensor | None
    cache: Cache
    even: bool

    def seen(self, lengths: Tensor, used: int) -> Tensor:
        """[B, 1, 1, used] bool: a row sees its text, and its audio up to the next place."""
        longest = self.text.symbols.shape[1]
        at = torch.arange(used, device=lengths.device).unsqueeze(0)
        text = at < self.text.lengths.unsqueeze(1)
        audio = (at >= longest) & (at <= (longest + lengths).unsqueeze(1))
        return (text | audio)[:, None, None]

    def of_rows(self, rows: Tensor) -> Prefix:
        """These rows alone, in the cache, too."""
        self.cache.of_rows(rows)
        text = Text(self.text.symbols[rows], self.text.languages[rows], self.text.lengths[rows])
        guide = None if self.guide is None else self.guide[rows]
        return Prefix(self.model, text, self.table, guide, self.cache, self.even)


class Steps(Protocol):
    """What comes next for every row that has not ended."""

    def next(self, code: Tensor, lengths: Tensor) -> Tensor:
        """Logits [B, size + 1] after a code [B]; ``lengths`` [B] is how much audio each row had before it."""

    def of_rows(self, rows: Tensor) -> None:
        """Go on with these rows [n] alone."""


class GrowingSteps:
    """Looks at the places that are used, and lets go of rows that have ended: the CPU's way."""

    def __init__(self, prefix: Prefix) -> None:
        self._prefix = prefix

    def next(self, code: Tensor, lengths: Tensor) -> Tensor:
        """See `Steps`."""
        prefix = self._prefix
        longest = prefix.text.symbols.shape[1]
        used = longest + int(lengths.max()) + 1
        mask = None if prefix.even else prefix.seen(lengths, used)
        prefix.cache.advance(longest + lengths, used, mask)
        return prefix.model.step(code, lengths, prefix.table, prefix.cache, prefix.guide)

    def of_rows(self, rows: Tensor) -> None:
        """See `Steps`."""
        self._prefix = self._prefix.of_rows(rows)


class StaticSteps:
    """The same work over the same memory in every step, so that a GPU can be told all of it at once.

    Every step looks at the whole cache through a mask, and rows that have ended are computed along: shapes
    never change. On a GPU the step is captured once as a CUDA graph and replayed, which saves the time that
    Python and the driver take to launch some 150 kernels (a third of VALL-E X's latency in the
    simulation). Elsewhere it only runs in tests.
    """

    def __init__(self, prefix: Prefix, lengths: Tensor) -> None:
        self._prefix, self._lengths = prefix, lengths.clone()
        self._code = torch.zeros_like(lengths)
        self._rows = torch.arange(len(lengths), device=lengths.device)
        self._captured: tuple[torch.cuda.CUDAGraph, Tensor] | None = None

    def next(self, code: Tensor, lengths: Tensor) -> Tensor:
        """See `Steps`."""
        self._code[self._rows], self._lengths[self._rows] = code, lengths
        if self._code.device.type != "cuda":
            return self._computed()[self._rows]
        if self._captured is None:
            self._captured = self._capture()
        graph, logits = self._captured
        graph.replay()
        return logits[self._rows]

    def of_rows(self, rows: Tensor) -> None:
        """See `Steps`."""
        self._rows = self._rows[rows]

    def _computed(self) -> Tensor:
        prefix, longest = self._prefix, self._prefix.text.symbols.shape[1]
        used = prefix.cache.capacity
        prefix.cache.advance(longest + self._lengths, used, prefix.seen(self._lengths, used))
        return prefix.model.step(self._code, self._lengths, prefix.table, prefix.cache, prefix.guide)

    def _capture(self) -> tuple[torch.cuda.CUDAGraph, Tensor]:
        """The graph, and the logits that it writes.

        Warm-up writes the place that the first real step writes again, so nothing of it remains.
        """
        aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(2):
                self._computed()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            logits = self._computed()
        return graph, logits


def steps_for(prefix: Prefix, lengths: Tensor) -> Steps:
    """The way that suits the device; ``lengths`` [B] is how much each row has heard."""
    if lengths.device.type == "cuda":
        return StaticSteps(prefix, lengths)
    return GrowingSteps(prefix)
