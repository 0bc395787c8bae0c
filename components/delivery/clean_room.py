"""Says the references again in a process that knows nothing but the exported folder and its packages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.core.errors import RetryableError
from components.delivery.bundle import ENTRY, Contents, seal, write_bundle

#: What a process needs to start, and what makes one machine add up like another.
_KEPT = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "OMP_NUM_THREADS",
    "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES",
)
_LAST_LINES = 3


@dataclass(frozen=True)
class CleanCheck:
    """What the process found.

    Attributes:
        holds: it loaded, and every reference lies within the tolerance.
        sentences: one entry a reference, see `components.inference.exported.Exported.check`.
        objection: what differs, in words; "" where it holds.
    """

    holds: bool
    sentences: Sequence[Mapping[str, Any]]
    objection: str

    def line(self) -> str:
        """What a person wants to know of it."""
        if not self.holds:
            return self.objection
        if not self.sentences:
            return "loads outside the repository; no samples of its evaluation to compare with"
        worst = min(one["agreement_db"] for one in self.sentences)
        return f"says {len(self.sentences)} sentences as evaluated (spectra agree to {worst:g} dB or better)"


def check_contents(contents: Contents, device: str, timeout_s: float) -> CleanCheck:
    """Write a bundle into a scratch folder and `check_folder` it.

    Raises:
        StorageError: no space for the scratch folder.
        RetryableError: see `check_folder`.
    """
    with tempfile.TemporaryDirectory(prefix="iris-export-") as scratch:
        folder = Path(scratch) / contents.description.model
        folder.mkdir()
        write_bundle(folder, contents)
        seal(folder)
        return check_folder(folder, device, timeout_s)


def check_folder(folder: Path, device: str, timeout_s: float) -> CleanCheck:
    """Run ``use.py check`` of an exported folder, isolated (``python -I``): no other folder counts.

    Raises:
        RetryableError: no answer in time. That says something of the machine, nothing of the model.
    """
    command = [sys.executable, "-I", "-B", str(folder / ENTRY), "--device", device, "check"]
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter on our own file
            command,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            cwd=folder,
            env=environment,
        )
    except subprocess.TimeoutExpired as error:
        raise RetryableError(
            who=f"check of the exported model in {folder.name}",
            expected=f"an answer within {timeout_s:g} s (platform.delivery.timeout_s)",
            found="none",
            action="run again when the machine is less busy; nothing was promoted or exported",
        ) from error
    try:
        told = json.loads(done.stdout.splitlines()[-1])
        sentences = told["sentences"]
    except (IndexError, ValueError, KeyError, TypeError):
        last = " | ".join(done.stderr.strip().splitlines()[-_LAST_LINES:]) or "no word"
        return CleanCheck(
            False, (), f"does not run outside the repository (exit {done.returncode}): {last[:400]}"
        )
    faults = [f"{one['sentence_id']}: {one['fault']}" for one in sentences if one["fault"]]
    said = f"says {len(faults)} of {len(sentences)} sentences otherwise than evaluated: {'; '.join(faults)}"
    return CleanCheck(not faults, sentences, said if faults else "")
