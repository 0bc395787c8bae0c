"""Bounds a forward pass by what a padded batch holds, not by a number of samples alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SizeLimit:
    """A number of samples alone does not bound the memory of a forward pass.

    Attributes:
        of: size of a sample: tokens, frames.
        most: longest sample times number of samples, at most. A single sample always passes.
    """

    of: Callable[[Mapping[str, Any]], int]
    most: int

    def parts(self, samples: Sequence[Mapping[str, Any]], most: int) -> Iterator[Sequence[Mapping[str, Any]]]:
        """Runs of at most ``most`` samples within the limit, in order; all of them together."""
        start, longest = 0, 0
        for place, sample in enumerate(samples):
            longest = max(longest, self.of(sample))
            count = place + 1 - start
            if count > 1 and (count > most or count * longest > self.most):
                yield samples[start:place]
                start, longest = place, self.of(sample)
        yield samples[start:]
