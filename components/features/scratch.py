"""Features on their way from the workers to the store; what a killed run computed is found here again."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Features = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Scratch:
    """``.<store>.partial`` beside the store: one file an utterance, named by its fingerprint."""

    folder: Path

    @classmethod
    def beside(cls, store: Path) -> Scratch:
        """The scratch folder of a store, made if need be."""
        folder = store.with_name(f".{store.name}.partial")
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder)

    def save(self, fingerprint: str, features: Features) -> None:
        """Keep one utterance. Not fsynced: checksums in the file tell a torn one, which is computed anew."""
        temporary = self.folder / f"{fingerprint}.{os.getpid()}.tmp"
        with temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **features)
        temporary.replace(self._path(fingerprint))

    def load(self, fingerprint: str) -> Features:
        """One utterance's features."""
        with np.load(self._path(fingerprint)) as features:
            return {name: features[name] for name in features.files}

    def holds(self, fingerprint: str) -> bool:
        """Whether that utterance is here and whole."""
        try:
            self.load(fingerprint)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return False
        return True

    def remove(self) -> None:
        """Delete the folder; the store has it all."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, fingerprint: str) -> Path:
        return self.folder / f"{fingerprint}.npz"
