"""Hard durations from soft alignment scores: the best path that visits every symbol, in order."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from components.core.errors import DataError

# Compiled at its first call in a process (under two seconds) and kept in memory: a cache on disk needs a
# writable package folder, which a pod does not have.


def monotonic_durations(scores: Tensor, symbols: Tensor, frames: Tensor) -> Tensor:
    """Monotonic alignment search of width 1 (Glow-TTS, Kim et al. 2020, algorithm 1).

    Each frame belongs to one symbol; the next frame stays on it or goes on to the next symbol. The first
    frame is the first symbol's, the last the last one's, so every symbol lasts at least one frame. Of all
    such paths it is the one with the largest sum of scores; of equal ones, the one that stays on the earlier
    symbols for fewer frames. Scores that are NaN give some such path: the loss is NaN then, and the training
    loop has its own way with that.

    Args:
        scores: [B, T, L] log probabilities; read only within a row's own frames and symbols.
        symbols: [B] whole numbers ≤ L.
        frames: [B] whole numbers ≤ T.

    Returns:
        [B, L] whole frames on the device of ``scores``, ≥ 1 within a row's symbols, 0 beyond; rows sum to
        ``frames``. No gradient.

    Raises:
        DataError: a row with more symbols than frames, or with no symbol.
    """
    counts, lengths = symbols.detach().cpu().numpy(), frames.detach().cpu().numpy()
    require_alignable(counts, lengths)
    values = np.ascontiguousarray(scores.detach().float().cpu().numpy())
    durations = np.zeros((values.shape[0], values.shape[2]), dtype=np.int64)
    _search(values, counts, lengths, durations)
    return torch.from_numpy(durations).to(scores.device)


def require_alignable(symbols: NDArray[Any], frames: NDArray[Any]) -> None:
    """Check that each row, [B] and [B], has a symbol and a frame for each of its symbols.

    Raises:
        DataError: one has not; the forward sum would be infinite there.
    """
    wrong = np.flatnonzero((symbols < 1) | (symbols > frames))
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            who=f"alignment of row {row}",
            expected=f"1 to {int(frames[row])} symbols, each at least one frame",
            found=f"{int(symbols[row])}",
            action="run the features stage: it rejects such recordings by name",
        )


@njit  # type: ignore[untyped-decorator]  # numba has no types
def _search(
    scores: NDArray[np.float32],
    symbols: NDArray[np.int64],
    frames: NDArray[np.int64],
    durations: NDArray[np.int64],
) -> None:
    """Viterbi over [B, T, L]; adds to ``durations`` [B, L]."""
    longest, widest = scores.shape[1], scores.shape[2]
    moved = np.zeros((longest, widest), dtype=np.bool_)
    best = np.empty(widest, dtype=np.float64)
    for row in range(scores.shape[0]):
        last_frame, last = frames[row] - 1, symbols[row] - 1
        best[:] = -np.inf
        best[0] = scores[row, 0, 0]
        for frame in range(1, last_frame + 1):
            # A path has come no farther than one symbol a frame, and can still reach the last one.
            lowest, highest = max(0, last - (last_frame - frame)), min(frame, last)
            for symbol in range(highest, lowest - 1, -1):
                stay = best[symbol]
                come = best[symbol - 1] if symbol > 0 else -np.inf
                moved[frame, symbol] = come > stay
                best[symbol] = max(stay, come) + scores[row, frame, symbol]
        symbol = last
        for frame in range(last_frame, -1, -1):
            durations[row, symbol] += 1
            if symbol > 0 and (symbol == frame or moved[frame, symbol]):
                symbol -= 1
