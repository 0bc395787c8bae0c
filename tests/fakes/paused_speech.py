"""Something like a person who speaks: gliding tones of two seconds with pauses between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def speech(
    seconds: float, rate: int, hertz: float = 180.0, pause: float = 0.6, level: float = 0.3
) -> NDArray[np.float32]:
    """Two seconds of a gliding tone, a pause, and so on."""
    t = np.arange(round(seconds * rate)) / rate
    phase = np.cumsum(hertz * (1.0 + 0.2 * np.sin(2 * np.pi * 0.7 * t))) / rate
    voice = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 12)) / 2
    return (level * voice * ((t % (2.0 + pause)) < 2.0)).astype(np.float32)
