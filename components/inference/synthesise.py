"""Generated speech to a labelled wav."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

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
    import soundfile

    if not len(speech.samples) or not np.all(np.isfinite(speech.samples)):
        raise DataError(
            who=path.name,
            expected="finite samples",
            found="NaN or infinite ones" if len(speech.samples) else "none",
            action="look at the model that made them; nothing was written",
        )
    sidecar = path.with_name(path.name + SIDECAR_SUFFIX)
    with atomic_file(path) as temporary:
        with soundfile.SoundFile(
            temporary, "w", samplerate=speech.sample_rate, channels=1, subtype="PCM_16", format="WAV"
        ) as file:
            file.software = f"{label.model} {label.model_version}"
            file.comment = json.dumps(label.to_json(), ensure_ascii=False, sort_keys=True)
            file.write(speech.samples)
        sidecar.unlink(missing_ok=True)
    write_json(sidecar, {**label.to_json(), "file": path.name, "sha256": sha256_path(path)})
    return sidecar
