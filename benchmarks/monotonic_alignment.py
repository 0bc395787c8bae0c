"""The best monotonic path through a training batch: compiled, and the same search as a plain Python loop.

Both find the durations of the same scores, a batch as FastPitch sees it; they must agree, or the ratio means
nothing. Prints one line: name, ratio, baseline, limit.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch
from numpy.typing import NDArray

from components.nn.monotonic_alignment import monotonic_durations

BATCH, FRAMES, SYMBOLS = 16, 400, 60
REPEATS = 20
LIMIT = 50.0


def main() -> int:
    """Measure; 1 when the ratio misses the limit."""
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(BATCH, FRAMES, SYMBOLS, generator=generator).log_softmax(dim=-1)
    symbols = torch.randint(SYMBOLS // 2, SYMBOLS + 1, (BATCH,), generator=generator)
    frames = torch.randint(FRAMES // 2, FRAMES + 1, (BATCH,), generator=generator)
    found = monotonic_durations(scores, symbols, frames)  # compiles
    started = time.perf_counter()
    for _ in range(REPEATS):
        monotonic_durations(scores, symbols, frames)
    compiled = (time.perf_counter() - started) / REPEATS
    started = time.perf_counter()
    expected = [
        _plain(scores[row, :length, :count].double().numpy())
        for row, (count, length) in enumerate(zip(symbols.tolist(), frames.tolist(), strict=True))
    ]
    plain = time.perf_counter() - started
    for row, durations in enumerate(expected):
        if found[row, : len(durations)].tolist() != durations:
            raise SystemExit("the two searches disagree: the ratio means nothing")
    ratio = plain / compiled
    sys.stdout.write(
        f"monotonic_alignment  ratio {ratio:.0f}x  baseline plain Python loop {plain * 1000:.0f} ms "
        f"for a batch of {BATCH} x {FRAMES} frames x {SYMBOLS} symbols  limit >= {LIMIT:.0f}x\n"
    )
    return 0 if ratio >= LIMIT else 1


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
