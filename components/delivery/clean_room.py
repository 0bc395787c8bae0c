"""Makes the references again in a process that knows nothing but the exported folder and its packages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
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
    "HF_HOME",
    "HF_HUB_OFFLINE",
)
_LAST_LINES = 3
Judge = Callable[[Path], tuple[bool, str]]
"""Hears what was said otherwise, ``<sentence_id>.wav`` in a folder: as good as evaluated, and in words."""


@dataclass(frozen=True)
class CleanCheck:
    """What the process found.

    Attributes:
        holds: it loaded, and every reference lies within the tolerance or was judged to be as good.
        sentences: one entry a reference, see `components.inference.exported.Exported.check`.
        objection: what differs, in words; "" where it holds.
        judged: the judge's words, where it took one.
    """

    holds: bool
    sentences: Sequence[Mapping[str, Any]]
    objection: str
    judged: str = ""

    def line(self) -> str:
        """What a person wants to know of it."""
        if not self.holds:
            return self.objection
        if not self.sentences:
            return "loads outside the repository; no samples of its evaluation to compare with"
        if self.judged:
            return f"says {len(self.sentences)} sentences as well as evaluated ({self.judged})"
        if "frame_difference" in self.sentences[0]:
            most = max(one["frame_difference"] for one in self.sentences)
            return (
                f"renders {len(self.sentences)} clips as evaluated (frames differ by {most:g} of 255 at most)"
            )
        worst = min(one["agreement_db"] for one in self.sentences)
        return f"says {len(self.sentences)} sentences as evaluated (spectra agree to {worst:g} dB or better)"


def check_contents(contents: Contents, check: Callable[[Path], CleanCheck]) -> CleanCheck:
    """Write a bundle into a scratch folder and ``check`` it; nothing of it is kept.

    Raises:
        StorageError: no space for the scratch folder.
        Whatever ``check`` raises.
    """
    with tempfile.TemporaryDirectory(prefix="iris-export-") as scratch:
        folder = Path(scratch) / contents.description.model
        folder.mkdir()
        write_bundle(folder, contents)
        seal(folder)
        return check(folder)


def check_folder(folder: Path, device: str, timeout_s: float, judge: Judge | None = None) -> CleanCheck:
    """Run ``use.py check`` of an exported folder, isolated (``python -I``): no other folder counts.

    Args:
        judge: asked where what is said differs from what was evaluated; None: that is an objection.

    Raises:
        RetryableError: no answer in time. That says something of the machine, nothing of the model.
    """
    with tempfile.TemporaryDirectory(prefix="iris-said-") as kept:
        words = ["check", *(["--keep", kept] if judge else [])]
        done = _asked(folder, device, timeout_s, words)
        try:
            told = json.loads(done.stdout.splitlines()[-1])
            found = list(told["sentences"])
        except (IndexError, ValueError, KeyError, TypeError):
            last = " | ".join(done.stderr.strip().splitlines()[-_LAST_LINES:]) or "no word"
            return CleanCheck(
                False, (), f"does not run outside the repository (exit {done.returncode}): {last[:400]}"
            )
        faults = [f"{one['sentence_id']}: {one['fault']}" for one in found if one["fault"]]
        if not faults:
            return CleanCheck(True, found, "")
        alike, judged = judge(Path(kept)) if judge else (False, "")
        if alike:
            return CleanCheck(True, found, "", judged)
        verb, what = ("renders", "clips") if "frame_difference" in found[0] else ("says", "sentences")
        because = f"; {judged}" if judged else ""
        differs = f"{verb} {len(faults)} of {len(found)} {what} otherwise than evaluated"
        return CleanCheck(False, found, f"{differs}: {'; '.join(faults)}{because}")


def _asked(
    folder: Path, device: str, timeout_s: float, words: Sequence[str]
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-B", str(folder / ENTRY), "--device", device, *words]
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        return subprocess.run(  # noqa: S603 - our own interpreter on our own file
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
