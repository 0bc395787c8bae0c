"""Generated speech to a labelled wav."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.core.errors import DataError
from components.core.storage import atomic_file
from components.features.pcm import as_pcm
from components.inference.label import TITLE, MediaLabel, sidecar_of, write_sidecar
from components.nn.contracts import Speech


def to_wav(path: Path, speech: Speech, label: MediaLabel) -> Path:
    """Write 16-bit PCM whose RIFF INFO carries the label as JSON, and ``<path>.json`` with the sha256 of it.

    Both appear whole or not at all, the sidecar last: a wav without one was cut off and is to be made again.

    Returns:
        The sidecar.

    Raises:
        DataError: no samples, or some that are NaN or infinite.
        StorageError: no space or no permission; an earlier file stays.
    """
    return blocks_to_wav(path, [speech.samples], speech.sample_rate, label)


def blocks_to_wav(
    path: Path, blocks: Iterable[NDArray[np.float32]], sample_rate: int, label: MediaLabel
) -> Path:
    """The same of samples that come in blocks: memory holds one of them.

    Raises:
        DataError, StorageError: as `to_wav`.
    """
    import soundfile

    sidecar, written, digest = sidecar_of(path), 0, hashlib.sha256(f"{sample_rate} 1\n".encode())
    with atomic_file(path) as temporary:
        with soundfile.SoundFile(
            temporary, "w", samplerate=sample_rate, channels=1, subtype="PCM_16", format="WAV"
        ) as file:
            for samples in blocks:
                if not np.all(np.isfinite(samples)):
                    raise _unusable(path, "NaN or infinite ones")
                pcm = as_pcm(samples)
                file.write(pcm)
                digest.update(pcm.astype("<i2").tobytes())
                written += len(samples)
            # Last: the INFO chunk then stands behind the samples, whose hash it holds.
            file.title, file.software = TITLE, f"{label.model} {label.model_version}"
            file.comment = label.embedded(digest.hexdigest())
            if label.created:
                file.date = label.created
        if not written:
            raise _unusable(path, "none")
        sidecar.unlink(missing_ok=True)
    return write_sidecar(path, label, digest.hexdigest())


def _unusable(path: Path, found: str) -> DataError:
    return DataError(
        who=path.name,
        expected="finite samples",
        found=found,
        action="look at the model that made them; nothing was written",
    )
