"""A long recording → clips of speech, in one pass: memory holds a stretch of it, however long it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from components.features.slices import SliceRules, slices

_FRAME_S = 0.01


def clips(
    blocks: Iterable[NDArray[np.float32]], rate: int, rules: SliceRules, stretch_s: float
) -> Iterator[NDArray[np.float32]]:
    """Speech between pauses, in order; nothing is given out twice.

    What counts as silence is decided by how loud the recording is within ``stretch_s``, and by how loud it
    was before: a stretch of nothing but the room gives no clip. The last clip of a stretch may go on after it
    and is cut anew with what follows.

    Args:
        blocks: mono samples at ``rate``.
        rules: of the cut. For clips that share no sample ``overlap_s`` is 0 and ``keep_silence_s`` at most
            half of ``min_silence_s``.
        stretch_s: more than ``rules.max_s``.
    """
    held, loudest = np.zeros(0, np.float32), 0.0
    pause = round((rules.min_silence_s + rules.keep_silence_s) * rate)
    quiet = 10.0 ** (rules.silence_db / 10.0)
    for block, last in _with_end(blocks):
        held = np.concatenate([held, block])
        if len(held) < stretch_s * rate and not last:
            continue
        loudest = max(loudest, _loudest(held, rate))
        found = slices(held, rate, rules)
        done = found if last or (found and found[-1][1] + pause <= len(held)) else found[:-1]
        used = 0
        for start, stop in done:
            clip = held[max(start, used) : stop]  # neighbours out of one stretch may share a rounded sample
            used = stop
            if _loudest(clip, rate) >= quiet * loudest:
                yield clip.copy()
        rest = done[-1][1] if done else found[0][0] if found else len(held) - round(rules.max_s * rate)
        held = held[max(0, rest) :]


def _with_end(
    blocks: Iterable[NDArray[np.float32]],
) -> Iterator[tuple[NDArray[np.float32], bool]]:
    """The blocks, and after them an empty one that says so."""
    for block in blocks:
        yield block, False
    yield np.zeros(0, np.float32), True


def _loudest(samples: NDArray[np.float32], rate: int) -> float:
    """Power of the loudest 10 ms."""
    size = max(1, round(_FRAME_S * rate))
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    return float(np.square(frames, dtype=np.float64).mean(axis=1).max()) if len(frames) else 0.0
