"""Tells a voice that says the same over and over."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.models.vallex.params import Loop


def is_loop(codes: Sequence[int], loop: Loop) -> bool:
    """Whether the last ``loop.window`` codes repeat themselves.

    They do if, for one period of at most ``loop.max_period`` codes, at least ``loop.min_share`` of them equal
    the code a period before. A single held code (period 1) is a held sound or silence; it is a loop as well
    when it lasts as long as the window.

    Args:
        codes: of the first codebook so far.
    """
    if len(codes) < loop.window:
        return False
    last = np.asarray(codes[-loop.window :])
    return any(
        float(np.mean(last[period:] == last[:-period])) >= loop.min_share
        for period in range(1, min(loop.max_period, loop.window // 2) + 1)
    )
