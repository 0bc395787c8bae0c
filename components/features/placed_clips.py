"""Rows of clips laid one after the other in flat arrays of samples and frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from components.features.scratch import Features

#: A dataclass with sample_start, samples, frame_start and frames.
Clip = TypeVar("Clip", bound=Any)


def placed_clips(
    rows: Sequence[Clip], features_of: Callable[[Clip], Features], frame_field: str
) -> Iterator[Clip]:
    """The same rows with their offsets.

    Args:
        rows: in the order of the index.
        features_of: a row's fields, ``samples`` among them.
        frame_field: one that has a value for each frame.
    """
    frame = sample = 0
    for row in rows:
        made = features_of(row)
        frames, samples = len(made[frame_field]), len(made["samples"])
        yield replace(row, frame_start=frame, frames=frames, sample_start=sample, samples=samples)
        frame, sample = frame + frames, sample + samples
