"""Generated speech to a labelled wav."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.core.errors import DataError
from components.core.storage import atomic_file, sha256_path, write_json
from components.inference.label import MediaLabel
from components.nn.contracts import Speech

SIDECAR_SUFFIX = ".json"


def to_wav(path: Path, speech: Speech, label: MediaLabel) -> Path:
    """Write 16-bit PCM whose RIFF INFO carries the label as JSON, and ``<path>.json`` with the file's sha256.

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

    sidecar, written = path.with_name(path.name + SIDECAR_SUFFIX), 0
    with atomic_file(path) as temporary:
        with soundfile.SoundFile(
            temporary, "w", samplerate=sample_rate, channels=1, subtype="PCM_16", format="WAV"
        ) as file:
            file.software = f"{label.model} {label.model_version}"
            file.comment = json.dumps(label.to_json(), ensure_ascii=False, sort_keys=True)
            for samples in blocks:
                if not np.all(np.isfinite(samples)):
                    raise _unusable(path, "NaN or infinite ones")
                file.write(samples)
                written += len(samples)
        if not written:
            raise _unusable(path, "none")
        sidecar.unlink(missing_ok=True)
    write_json(sidecar, {**label.to_json(), "file": path.name, "sha256": sha256_path(path)})
    return sidecar


def _unusable(path: Path, found: str) -> DataError:
    return DataError(
        who=path.name,
        expected="finite samples",
        found=found,
        action="look at the model that made them; nothing was written",
    )
