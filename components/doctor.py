"""Says what this machine has and lacks, installs what it may, and otherwise prints the one line to type.

Standard library only: it runs as a plain script before anything is installed.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

SUPPORTED = ((3, 11), (3, 12))
FREE_GIB_NEEDED = 6
#: Below this a demo is not begun: databases end in the middle of a write when the disk is full.
FREE_GIB_TO_RUN = 1
_SYSTEM_PACKAGES = "build-essential python{0}-venv python{0}-dev"
_MAIN_PACKAGES = (
    "torch",
    "apache-airflow",
    "mlflow",
    "dvc",
    "great-expectations",
    "espeakng-loader",
    "pyworld",
)


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report."""

    good: bool
    needed: bool
    what: str
    remedy: str

    def line(self) -> str:
        """✔ fine · ✘ must be mended · – optional."""
        mark = "✔" if self.good else ("✘" if self.needed else "–")
        return f"  {mark} {self.what}" + ("" if self.good else f"\n      → {self.remedy}")


def version_problem(version: tuple[int, int]) -> str | None:
    """What to say of an interpreter that is not supported, or None."""
    if version in SUPPORTED:
        return None
    names = " or ".join(".".join(map(str, v)) for v in SUPPORTED)
    return (
        f"Python {version[0]}.{version[1]}: expected {names} (the pinned packages have wheels for these). "
        f"To do: install one (Debian/Ubuntu: apt-get install python3.11 or python3.12) "
        f"and run `make PYTHON=python3.11 ...`. (Python 3.11 또는 3.12 가 필요합니다.)"
    )


def missing_system_packages() -> list[str]:
    """Debian packages without which the environment cannot be built here.

    pyworld and webrtcvad have no wheels: they are compiled, against this interpreter's headers.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    build, venv, headers = _SYSTEM_PACKAGES.format(version).split()
    missing = []
    if not (shutil.which("cc") or shutil.which("gcc")) or not (shutil.which("c++") or shutil.which("g++")):
        missing.append(build)
    if not _can_make_environments():
        missing.append(venv)
    if not Path(sysconfig.get_paths()["include"], "Python.h").is_file():
        missing.append(headers)
    return missing


def prepare() -> int:
    """Before the environment is built: check, install what is allowed, else say what to type.

    Returns:
        0, or 42 where a person has to do something first.
    """
    problem = version_problem((sys.version_info.major, sys.version_info.minor))
    if problem:
        print(problem, file=sys.stderr)
        return 42
    missing = missing_system_packages()
    if missing and not _install(missing):
        command = f"apt-get install -y {' '.join(missing)}"
        print(
            f"this machine: expected {', '.join(missing)}, found none of them, and no right to install. "
            f"To do: sudo {command}   (위 명령을 실행한 뒤 다시 시도하세요)",
            file=sys.stderr,
        )
        return 42
    room = free_gib(Path.cwd())
    if room < FREE_GIB_NEEDED and not _installed("torch"):
        print(
            f"{Path.cwd()}: expected {FREE_GIB_NEEDED} GiB free for the environment, found {room:.1f} GiB. "
            "To do: free some space. (디스크 공간이 부족합니다)",
            file=sys.stderr,
        )
        return 42
    return 0


def report() -> int:
    """Print every finding; 0 when nothing needed is missing, else 42."""
    findings = [
        *_interpreter_findings(),
        *_package_findings(),
        _finding(
            free_gib(Path.cwd()) >= FREE_GIB_TO_RUN,
            True,
            f"{free_gib(Path.cwd()):.1f} GiB free here",
            "free disk space",
        ),
        _finding(
            bool(shutil.which("git")),
            False,
            "git (records the commit of every run)",
            "apt-get install -y git",
        ),
        _finding(
            bool(shutil.which("apt-get") and shutil.which("dpkg-deb")),
            False,
            "apt-get and dpkg-deb (the recorded human voices of the embedded corpus)",
            "without them the human part is skipped; everything else runs",
        ),
        _finding(
            bool(shutil.which("nvidia-smi")),
            False,
            "NVIDIA GPU",
            "the a100 profile needs one; `make demo` runs on the CPU",
        ),
    ]
    print("doctor: what this machine has / 이 컴퓨터의 상태")
    for finding in findings:
        print(finding.line())
    bad = [finding for finding in findings if finding.needed and not finding.good]
    print("ready / 준비됨" if not bad else f"{len(bad)} to mend / 해결 필요 {len(bad)}건")
    return 42 if bad else 0


def free_gib(path: Path) -> float:
    """Free disk space in GiB."""
    return shutil.disk_usage(path).free / 2**30


def _interpreter_findings() -> list[Finding]:
    version = (sys.version_info.major, sys.version_info.minor)
    missing = missing_system_packages()
    return [
        _finding(version in SUPPORTED, True, f"Python {version[0]}.{version[1]}", "use Python 3.11 or 3.12"),
        _finding(
            not missing,
            False,  # only needed to build the environment, which exists when this runs as a command
            "compiler and Python headers (to build pyworld and webrtcvad)",
            f"sudo apt-get install -y {' '.join(missing)}",
        ),
    ]


def _package_findings() -> list[Finding]:
    findings = []
    for package in _MAIN_PACKAGES:
        found = _installed(package)
        findings.append(_finding(found is not None, True, f"{package} {found or 'missing'}", "make setup"))
    return findings


def _finding(good: bool, needed: bool, what: str, remedy: str) -> Finding:
    return Finding(good, needed, what, remedy)


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _can_make_environments() -> bool:
    """Debian splits ensurepip off: importing venv says nothing, making one does."""
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(
            [sys.executable, "-m", "venv", f"{folder}/probe"], capture_output=True, check=False
        )
    return made.returncode == 0


def _install(packages: list[str]) -> bool:
    """apt as root or through a sudo that asks for no password; False where neither may."""
    if not shutil.which("apt-get"):
        return False
    prefix: list[str] = []
    if os.geteuid() != 0:
        if not shutil.which("sudo"):
            return False
        if subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode != 0:
            return False
        prefix = ["sudo", "-n"]
    print(f"doctor: installing {' '.join(packages)}", file=sys.stderr)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", *packages]):
        done = subprocess.run([*prefix, *command], env=environment, stdout=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            return False
    return not missing_system_packages()


if __name__ == "__main__":
    sys.exit(report() if "--report" in sys.argv[1:] else prepare())
