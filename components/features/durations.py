"""Phoneme timings in seconds → whole frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from components.core.errors import DataError
from components.core.utterance import PhonemeTiming

#: WORLD and espeak-ng give times in whole milliseconds; this is slack for their rounding, not for misfits.
_ROUNDING_S = 0.002


def frame_durations(
    timings: Sequence[PhonemeTiming], frames: int, hop_s: float, audio_s: float
) -> NDArray[np.int32]:
    """Frames of each symbol; they sum to ``frames`` exactly.

    Boundaries, not lengths, are rounded, so errors do not add up: symbol i gets the frames from its own start
    to the next symbol's start. A gap therefore belongs to the symbol before it, what precedes the first start
    to the first symbol, and what follows the last to the last one. A symbol shorter than half a frame may get
    **no** frame: it is kept (the text encoder needs it) and the length regulator skips it.

    Args:
        timings: of one utterance, in order.
        frames: mel frames T.
        hop_s: seconds between frames.
        audio_s: length of the audio.

    Returns:
        [L] int32, ≥ 0.

    Raises:
        DataError: no symbols, times out of order, or an alignment that is not of this audio.
    """
    if not timings:
        raise _misfit("at least one symbol", "none")
    starts = np.array([timing.start_s for timing in timings])
    ends = np.array([timing.end_s for timing in timings])
    if np.any(np.diff(starts) < 0) or np.any(ends < starts):
        raise _misfit(
            "start times in order, each end after its start", _first_disorder(starts, ends, timings)
        )
    if starts[-1] > audio_s or ends[-1] > audio_s + hop_s + _ROUNDING_S:
        raise _misfit(f"symbols within {audio_s:.3f} s of audio", f"an end at {ends[-1]:.3f} s")
    inner = np.clip(np.rint(starts[1:] / hop_s), 0, frames)
    boundaries = np.concatenate([[0.0], inner, [float(frames)]])
    return np.diff(boundaries).astype(np.int32)


def _first_disorder(
    starts: NDArray[np.float64], ends: NDArray[np.float64], timings: Sequence[PhonemeTiming]
) -> str:
    backwards = np.flatnonzero(np.diff(starts) < 0)
    index = int(backwards[0]) + 1 if len(backwards) else int(np.flatnonzero(ends < starts)[0])
    timing = timings[index]
    return f"symbol {index} {timing.symbol!r} at {timing.start_s:.3f}-{timing.end_s:.3f} s"


def _misfit(expected: str, found: str) -> DataError:
    return DataError(who="alignment", expected=expected, found=found, action="align the recording again")
