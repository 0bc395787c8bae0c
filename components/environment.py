"""Builds the pinned environment: ``python3 components/environment.py .venv``. Standard library only.

Two steps, because of torch: it goes first and with its own dependencies, so that whichever build the
index offers (CPU or CUDA) arrives complete; the rest needs no resolution, since the lock is whole.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
LOCK = PROJECT / "requirements.lock"
TOOLS = ("setuptools", "wheel")
#: pip tells about each index it finds nothing in; only its errors are of interest here.
_NOISE = re.compile(r"WARNING: Location|notice\]|WARNING: Running pip as the 'root' user")


def build(folder: Path) -> float:
    """Create or complete the environment; returns the seconds it took and leaves them in ``.ready``."""
    started = time.monotonic()
    if not (folder / "bin" / "python").exists():
        _say(f"creating {folder} with Python {sys.version_info.major}.{sys.version_info.minor}")
        venv.EnvBuilder(with_pip=True, clear=folder.exists()).create(folder)
    pins = _pins()
    _say("installing torch (the CPU build where the index offers one)")
    _pip(folder, "-c", str(LOCK), f"torch=={pins['torch']}", *(f"{t}=={pins[t]}" for t in TOOLS if t in pins))
    _say(f"installing {len(pins)} pinned packages (pyworld and webrtcvad are compiled)")
    _pip(folder, "--no-deps", "-r", str(LOCK))
    _pip(folder, "--no-deps", "--no-build-isolation", "-e", str(PROJECT))
    seconds = time.monotonic() - started
    (folder / ".ready").write_text(json.dumps({"seconds": round(seconds, 1)}) + "\n", encoding="utf-8")
    _say(f"ready in {seconds:.0f} s")
    return seconds


def _pins() -> dict[str, str]:
    lines = (line.split(";")[0].strip() for line in LOCK.read_text(encoding="utf-8").splitlines())
    return dict(line.split("==", 1) for line in lines if "==" in line and not line.startswith("#"))


def _pip(folder: Path, *arguments: str) -> None:
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-compile", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in (done.stdout + done.stderr).splitlines():
        if not _NOISE.search(line):
            print(line, file=sys.stderr)
    if done.returncode != 0:
        print(
            "setup: expected pip to install the pinned packages, found the error above. "
            "To do: check the network or the package index, then run the same command again. "
            "(네트워크와 패키지 저장소를 확인한 뒤 다시 실행하세요)",
            file=sys.stderr,
        )
        shutil.rmtree(folder / ".ready", ignore_errors=True)
        sys.exit(75)


def _say(message: str) -> None:
    print(f"setup: {message}", flush=True)


if __name__ == "__main__":
    build(Path(sys.argv[1] if len(sys.argv) > 1 else ".venv"))
