"""How near what an exported model makes comes to what its evaluation heard and saw."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.core.exported import Tolerance
from components.nn.contracts import Speech

_WINDOW, _HOP = 1024, 256
_SAME_DB = 120.0
"""Of samples that are the same to the last bit that matters."""


def compared_speech(heard: Speech, made: Speech, allowed: Tolerance) -> dict[str, Any]:
    """Agreement and difference of length; ``fault`` is "" where both lie within the tolerance."""
    longer, agreement = made.duration_s - heard.duration_s, agreement_db(heard.samples, made.samples)
    faults = []
    if made.sample_rate != heard.sample_rate:
        faults.append(f"{made.sample_rate} Hz instead of {heard.sample_rate}")
    if abs(longer) > allowed.max_duration_difference_s:
        faults.append(
            f"{made.duration_s:.3f} s instead of {heard.duration_s:.3f} "
            f"(at most {allowed.max_duration_difference_s:g} s apart)"
        )
    if agreement < allowed.min_agreement_db:
        faults.append(f"spectra agree to {agreement:.1f} dB, at least {allowed.min_agreement_db:g} count")
    return {
        "agreement_db": round(agreement, 2),
        "duration_difference_s": round(longer, 4),
        "fault": "; ".join(faults),
    }


def compared_frames(seen: NDArray[np.uint8], made: NDArray[np.uint8], allowed: Tolerance) -> dict[str, Any]:
    """The worst frame's mean difference over its lower half; ``fault`` is "" where that is small enough.

    Args:
        seen, made: [T, S, S, 3] RGB, of the evaluation and of now.

    A mean over the clip would hide a mouth that is wrong for three frames, one over the whole face a mouth.
    """
    if seen.shape != made.shape:
        return {"frame_difference": None, "fault": f"pictures {made.shape} instead of {seen.shape}"}
    half = seen.shape[1] // 2
    apart = np.abs(seen[:, half:].astype(np.int16) - made[:, half:].astype(np.int16))
    of_frames = apart.mean(axis=(1, 2, 3))
    worst = int(of_frames.argmax())
    difference, limit = float(of_frames[worst]), allowed.max_frame_difference
    told = f"frame {worst} of {len(seen)} differs by {difference:.2f} of 255 levels, at most {limit:g} count"
    return {"frame_difference": round(difference, 3), "fault": told if difference > limit else ""}


def agreement_db(heard: NDArray[np.float32], made: NDArray[np.float32]) -> float:
    """How alike two recordings sound: magnitudes of the spectra over their difference, in dB.

    Phases are left out: a phase that another device rounds otherwise drifts, and nobody hears it. Recordings
    of different lengths are compared over the shorter one.

    Returns:
        0 or less for different recordings, `_SAME_DB` for the same.
    """
    length = min(len(heard), len(made))
    one, other = _magnitudes(heard[:length]), _magnitudes(made[:length])
    signal, error = float(np.sum(one**2)), float(np.sum((one - other) ** 2))
    if signal == 0.0:
        return _SAME_DB if error == 0.0 else 0.0
    return min(_SAME_DB, 10.0 * float(np.log10(signal / max(error, 1e-30))))


def _magnitudes(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    padded = np.pad(samples.astype(np.float64), (0, _WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    spectra: NDArray[np.float64] = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW), axis=1))
    return spectra
