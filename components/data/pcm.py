"""Writing 16-bit mono WAV files: the form in which our own sources hand recordings over."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt


def write_pcm16(path: Path, samples: npt.NDArray[np.int16], sample_rate_hz: int) -> None:
    """Write int16 [n] as RIFF/WAVE PCM; the same samples give the same bytes."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate_hz)
        file.writeframes(samples.astype("<i2").tobytes())
