"""Reads the recording that a manifest row names, at the rate an analysis asks for."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.core.errors import DataError
from components.core.storage import sha256_bytes
from components.features.mel import MelAnalysis


def read_audio(path: Path, sha256: str, analysis: MelAnalysis) -> NDArray[np.float32]:
    """Samples [N] in [-1, 1] at the analysis' rate.

    Args:
        sha256: of the file, as the manifest has it; a file that was cut or swapped since is refused.
        analysis: gives the rate to resample to. A recording that cannot hold its ``fmax`` is refused:
            empty bands would be learned as silence.

    Raises:
        DataError: missing, changed, undecodable, not mono, or sampled too low.
    """
    import soundfile
    import soxr

    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unusable(path, "a readable file", error.strerror or type(error).__name__) from error
    if sha256_bytes(data) != sha256:
        raise _unusable(path, f"sha256 {sha256[:12]}… as in the manifest", f"{sha256_bytes(data)[:12]}…")
    try:
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise _unusable(path, "audio that decodes", str(error)) from error
    if samples.shape[1] != 1:
        raise _unusable(path, "mono", f"{samples.shape[1]} channels")
    if rate < 2 * analysis.fmax:
        raise _unusable(path, f"at least {2 * analysis.fmax:g} Hz (twice fmax)", f"{rate} Hz")
    mono: NDArray[np.float32] = np.ascontiguousarray(samples[:, 0])
    if rate != analysis.sample_rate and len(mono):
        mono = soxr.resample(mono, rate, analysis.sample_rate, quality="HQ")
    return mono


def _unusable(path: Path, expected: str, found: str) -> DataError:
    return DataError(who=path.name, expected=expected, found=found, action="ingest the recording again")
