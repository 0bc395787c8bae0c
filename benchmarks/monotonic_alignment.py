"""The best monotonic path through a training batch: compiled, and the same search as a plain Python loop.

Both find the durations of the same scores, a batch as FastPitch sees it, in turns; they must agree, or the
ratio means nothing. CPU time.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from numpy.typing import NDArray
from ratio import Row, in_turns, row, seconds, tell, unmeasured

from components.nn.monotonic_alignment import monotonic_durations

BATCH, FRAMES, SYMBOLS = 16, 400, 60
SHORT_BATCH, SHORT_FRAMES = 2, 80
REPEATS, CALLS = 5, 20


def main() -> int:
    """Measure; 1 when the ratio misses the goal."""
    return tell(rows(short=False))


def rows(short: bool) -> list[Row]:
    """Row 10."""
    batch, longest, repeats = (SHORT_BATCH, SHORT_FRAMES, 1) if short else (BATCH, FRAMES, REPEATS)
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(batch, longest, SYMBOLS, generator=generator).log_softmax(dim=-1)
    symbols = torch.randint(SYMBOLS // 2, SYMBOLS + 1, (batch,), generator=generator)
    frames = torch.randint(SYMBOLS, longest + 1, (batch,), generator=generator)
    lengths = list(zip(symbols.tolist(), frames.tolist(), strict=True))
    found = monotonic_durations(scores, symbols, frames)  # compiles

    def plain() -> None:
        for number, (count, length) in enumerate(lengths):
            durations = _plain(scores[number, :length, :count].double().numpy())
            if found[number, : len(durations)].tolist() != durations:
                raise SystemExit("the two searches disagree: the ratio means nothing")

    def compiled() -> None:
        for _ in range(CALLS):
            monotonic_durations(scores, symbols, frames)

    mine, theirs = in_turns(lambda: seconds(compiled) / CALLS, lambda: seconds(plain), repeats)
    told = f"plain Python loop over {batch} x {longest} frames x {SYMBOLS} symbols"
    return [row(unmeasured("10", "monotonic alignment", 50.0, told, "memory bandwidth"), mine, theirs)]


def _plain(scores: NDArray[np.float64]) -> list[int]:
    """[T, L] → durations, cell by cell."""
    frames, symbols = scores.shape
    best = np.full((frames, symbols), -np.inf)
    best[0, 0] = scores[0, 0]
    for frame in range(1, frames):
        for symbol in range(symbols):
            before = best[frame - 1, symbol]
            if symbol > 0 and best[frame - 1, symbol - 1] > before:
                before = best[frame - 1, symbol - 1]
            best[frame, symbol] = before + scores[frame, symbol]
    durations, symbol = [0] * symbols, symbols - 1
    for frame in range(frames - 1, -1, -1):
        durations[symbol] += 1
        if symbol > 0 and (frame == symbol or best[frame - 1, symbol - 1] > best[frame - 1, symbol]):
            symbol -= 1
    return durations


if __name__ == "__main__":
    sys.exit(main())
