"""The doctor: says which Python, which package, and the one line to type."""

from __future__ import annotations

import subprocess
from collections import namedtuple
from pathlib import Path

import pytest

from components import doctor
from components.core.errors import EXIT_BAD_INPUT, EXIT_OK

Version = namedtuple("Version", "major minor")


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A supported Python on a machine without compiler, headers or the right to install."""
    monkeypatch.setattr(doctor.shutil, "which", lambda program: None)
    monkeypatch.setattr(doctor, "_can_make_environments", lambda: False)
    monkeypatch.setattr(doctor.sysconfig, "get_paths", lambda: {"include": "/nowhere"})
    monkeypatch.setattr(doctor.sys, "version_info", Version(3, 12))


@pytest.mark.parametrize("version", doctor.SUPPORTED)
def test_supported_versions_pass(version: tuple[int, int]) -> None:
    assert doctor.version_problem(version) is None


@pytest.mark.parametrize("version", [(3, 10), (3, 13), (2, 7), (4, 11)])
def test_another_version_is_told_so(
    version: tuple[int, int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor.sys, "version_info", Version(*version))
    assert doctor.prepare() == EXIT_BAD_INPUT
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Python {version[0]}.{version[1]}: expected 3.11 or 3.12")
    assert "To do: " in line


@pytest.mark.usefixtures("bare_machine")
def test_missing_packages_are_one_line_to_type(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.prepare() == EXIT_BAD_INPUT
    (line,) = capsys.readouterr().err.splitlines()
    assert "expected build-essential, python3.12-venv, python3.12-dev, found none of them" in line
    assert "To do: sudo apt-get install -y build-essential python3.12-venv python3.12-dev" in line


@pytest.mark.usefixtures("bare_machine")
def test_only_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "Python.h").touch()
    monkeypatch.setattr(doctor.sysconfig, "get_paths", lambda: {"include": str(tmp_path)})
    monkeypatch.setattr(doctor.shutil, "which", lambda program: f"/usr/bin/{program}")
    assert doctor.missing_system_packages() == ["python3.12-venv"]


@pytest.mark.usefixtures("bare_machine")
@pytest.mark.parametrize("root", [True, False])
def test_it_installs_where_it_may_and_only_there(
    root: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commands: list[list[str]] = []

    def succeeds(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        commands.append(command)
        (tmp_path / "Python.h").touch()
        monkeypatch.setattr(doctor, "_can_make_environments", lambda: True)
        return subprocess.CompletedProcess(command, 0 if root else 1)  # a sudo that asks for a password

    monkeypatch.setattr(doctor.shutil, "which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(doctor.sysconfig, "get_paths", lambda: {"include": str(tmp_path)})
    monkeypatch.setattr(doctor.os, "geteuid", lambda: 0 if root else 1000)
    monkeypatch.setattr(doctor.subprocess, "run", succeeds)
    assert doctor.prepare() == (EXIT_OK if root else EXIT_BAD_INPUT)
    installs = [command for command in commands if command[:2] == ["apt-get", "install"]]
    assert [command[-2:] for command in installs] == ([["python3.12-venv", "python3.12-dev"]] if root else [])
    assert root or commands == [["sudo", "-n", "true"]]


@pytest.mark.parametrize(("free", "expected"), [(1.0, EXIT_BAD_INPUT), (50.0, EXIT_OK)])
def test_no_room_for_the_environment_is_told_before_it_is_built(
    free: float, expected: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "missing_system_packages", list)
    monkeypatch.setattr(doctor, "free_gib", lambda path: free)
    monkeypatch.setattr(doctor, "_installed", lambda package: None)
    monkeypatch.setattr(doctor.sys, "version_info", Version(3, 11))
    assert doctor.prepare() == expected
    assert ("found 1.0 GiB" in capsys.readouterr().err) == (expected == EXIT_BAD_INPUT)


def test_the_report_names_a_missing_package_and_its_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    present = {package: "1.0" for package in doctor._MAIN_PACKAGES if package != "pyworld"}
    monkeypatch.setattr(doctor, "_installed", present.get)
    monkeypatch.setattr(doctor, "_can_make_environments", lambda: True)
    monkeypatch.setattr(doctor, "free_gib", lambda path: 50.0)
    assert doctor.report() == EXIT_BAD_INPUT
    said = capsys.readouterr().out
    assert "✘ pyworld missing\n      → make setup" in said
    assert "✔ torch 1.0" in said
    assert said.rstrip().endswith("1 to mend / 해결 필요 1건")
