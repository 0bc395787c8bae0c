"""Embeddings of recordings, kept between runs. They identify a person: apart, owner only, never logged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from components.core.storage import atomic_file
from components.evaluation.recordings import Recording
from components.evaluation.verifier import Floats, SpeakerVerifier

_OWNER_FILE, _OWNER_FOLDER = 0o600, 0o700


class EmbeddingStore:
    """One file per (verifier weights, audio sha256); an unreadable one is made again."""

    def __init__(self, folder: Path, verifier: SpeakerVerifier) -> None:
        """Keep embeddings below ``folder``, in a subfolder that names the verifier's weights."""
        self._verifier = verifier
        self._folder = folder / verifier.identity.weights_sha256[:16]

    def embed(self, recordings: Sequence[Recording]) -> list[Floats | None]:
        """One unit vector [256] per recording; None where the verifier hears no voice.

        Raises:
            DataError: a recording that cannot be read.
            StorageError: the store cannot be written.
        """
        known = [self._read(recording) for recording in recordings]
        missing = [i for i, vector in enumerate(known) if vector is None]
        fresh = self._verifier.embed([recordings[i].load() for i in missing])
        for i, vector in zip(missing, fresh, strict=True):
            known[i] = vector
            if vector is not None:
                self._write(recordings[i], vector)
        return known

    def _path(self, recording: Recording) -> Path:
        return self._folder / f"{recording.utterance.sha256}.npy"

    def _read(self, recording: Recording) -> Floats | None:
        try:
            vector = np.load(self._path(recording), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        whole = vector.ndim == 1 and np.isfinite(vector).all() and abs(np.linalg.norm(vector) - 1) < 1e-3
        return np.asarray(vector, dtype=np.float32) if whole else None

    def _write(self, recording: Recording, vector: Floats) -> None:
        with atomic_file(self._path(recording), mode=_OWNER_FILE) as temporary:
            self._folder.chmod(_OWNER_FOLDER)
            with temporary.open("wb") as stream:
                np.save(stream, vector, allow_pickle=False)
