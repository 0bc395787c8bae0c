"""What makes a synthesised clip unusable, whatever a verifier would say of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from components.core.params.data import ValidationParams

#: The largest 16-bit sample: at or beyond it a saved clip is flat.
_FULL_SCALE = 1.0 - 2.0**-15


def audio_fault(samples: NDArray[np.float32], limits: ValidationParams) -> str | None:
    """Name the fault of a mono clip [N] in [-1, 1]; None when it can be judged.

    The limits are those that validation sets for recordings: what would not be accepted as training speech is
    not accepted as synthesised speech.
    """
    if samples.ndim != 1 or samples.size == 0:
        return f"empty: shape {samples.shape}"
    if not np.isfinite(samples).all():
        return f"{int((~np.isfinite(samples)).sum())} samples are NaN or infinite"
    rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    if rms < 10.0 ** (limits.silence_dbfs / 20.0):
        return f"silent: below {limits.silence_dbfs:g} dBFS"
    clipped = float(np.mean(np.abs(samples) >= _FULL_SCALE))
    if clipped > limits.clipping_max_share:
        return f"clipped: {clipped:.2%} of samples at full scale"
    return None
