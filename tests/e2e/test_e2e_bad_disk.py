"""No disk through the real command line: full, without one byte, read-only, or a file in a folder's place."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import a_good_source, assert_told, ingest, run, tree
from source_folder import SourceFolder, tone

from components.core.errors import EXIT_OK, EXIT_RETRYABLE


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A workspace on a file system of its own, of 256 KiB unless the test names another size."""
    folder = tmp_path / "disk"
    folder.mkdir()
    size = getattr(request, "param", "256k")
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    if (
        os.geteuid() != 0
        or not shutil.which("mount")
        or subprocess.run(command, capture_output=True).returncode
    ):
        pytest.skip("no right to mount a file system here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_named_and_the_corpus_stays(tmp_path: Path, small_disk: Path) -> None:
    assert ingest(a_good_source(tmp_path / "first").write(), small_disk).returncode == EXIT_OK
    before = tree(small_disk)
    more = SourceFolder(tmp_path / "more")
    tone(more.add("long", make_audio=False), seconds=15.0)
    done = ingest(more.write(), small_disk)
    assert_told(done, EXIT_RETRYABLE, "own", "No space left", "free space")
    assert tree(small_disk) == before


def test_a_disk_without_one_free_byte_is_named(tmp_path: Path, small_disk: Path) -> None:
    source = a_good_source(tmp_path / "first").write()
    assert ingest(source, small_disk).returncode == EXIT_OK
    fill = ["dd", "if=/dev/zero", f"of={small_disk / 'filler'}", "bs=4096"]
    subprocess.run(fill, capture_output=True, check=False)  # ends with the last free byte
    assert shutil.disk_usage(small_disk).free == 0
    before = tree(small_disk)
    other = SourceFolder(tmp_path / "other")
    other.add("other")
    done = ingest(other.write(), small_disk, corpus="other")
    assert_told(done, EXIT_RETRYABLE, str(small_disk), "No space left")
    assert tree(small_disk) == before


def test_a_demo_is_not_begun_on_a_full_disk(small_disk: Path) -> None:
    done = run("dags/embedded.py", "--profile", "ci", "--workspace", str(small_disk / "demo"))
    assert_told(done, EXIT_RETRYABLE, str(small_disk), "1 GiB", "0.0 GiB")
    assert tree(small_disk) == {}


@pytest.mark.parametrize("small_disk", ["2g"], indirect=True)  # only what is written takes memory
def test_a_read_only_workspace_is_named_and_stays(tmp_path: Path, small_disk: Path) -> None:
    source = a_good_source(tmp_path / "first").write()
    assert ingest(source, small_disk).returncode == EXIT_OK
    before = tree(small_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert_told(ingest(source, small_disk, corpus="other"), EXIT_RETRYABLE, str(small_disk), "Read-only")
    done = run("dags/embedded.py", "--profile", "ci", "--workspace", str(small_disk / "demo"))
    assert_told(done, EXIT_RETRYABLE, str(small_disk), "Read-only")
    assert tree(small_disk) == before


def test_a_workspace_below_a_file_is_named(tmp_path: Path) -> None:
    source = a_good_source(tmp_path / "first").write()
    file = tmp_path / "file"
    file.write_text("mine", encoding="utf-8")
    assert_told(ingest(source, file / "workspace"), EXIT_RETRYABLE, str(file))
    assert_told(ingest(source, file), EXIT_RETRYABLE, str(file))
    assert file.read_text(encoding="utf-8") == "mine"
