"""Files are whole or not there."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import StorageError
from components.core.storage import (
    append_line,
    atomic_file,
    atomic_folder,
    disk_faults_told,
    recover_folder,
    sha256_bytes,
    sha256_path,
    write_json,
    write_text,
)


def test_a_failed_write_leaves_the_previous_file(tmp_path: Path) -> None:
    target = tmp_path / "한글.txt"
    write_text(target, "before")

    def fail_midway() -> None:
        with atomic_file(target) as temporary:
            temporary.write_text("half", encoding="utf-8")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_midway()
    assert target.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_takes_the_place_of_the_old_one_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    for generation in ("one", "two"):
        with atomic_folder(target) as temporary:
            (temporary / generation).write_text(generation, encoding="utf-8")
    assert [path.name for path in target.iterdir()] == ["two"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_crash_between_the_renames_is_recovered(tmp_path: Path) -> None:
    target, aside = tmp_path / "folder", tmp_path / ".folder.old"
    aside.mkdir()
    (aside / "kept").touch()
    recover_folder(target)
    assert (target / "kept").exists()


def test_no_place_to_write_is_a_storage_error(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.touch()
    with pytest.raises(StorageError, match="free space"):
        write_text(blocker / "below", "text")


def test_a_full_disk_keeps_the_previous_file(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], check=False)
    if mounted.returncode != 0:
        pytest.skip("no right to mount here")
    try:
        write_text(small / "a.txt", "before")
        with pytest.raises(StorageError):
            write_text(small / "a.txt", "x" * 1_000_000)
        assert (small / "a.txt").read_text(encoding="utf-8") == "before"
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_kill_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    target = tmp_path / "value.txt"
    writer = (
        "import sys; from pathlib import Path; from components.core.storage import write_text\n"
        "i = 0\n"
        "while True:\n"
        "    i += 1; write_text(Path(sys.argv[1]), str(i % 10) * 200_000)\n"
    )
    for delay in (0.30, 0.37, 0.41, 0.53, 0.61):
        process = subprocess.Popen([sys.executable, "-c", writer, str(target)])
        deadline = time.monotonic() + 30
        while not target.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        text = target.read_text(encoding="utf-8")
        assert len(text) == 200_000
        assert set(text) == {text[0]}


@given(st.binary(max_size=4096))
def test_the_hash_of_a_file_is_that_of_its_bytes(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("hash") / "file"
    path.write_bytes(data)
    assert sha256_path(path) == sha256_bytes(data)


def test_the_hash_of_a_folder_sees_names_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1", encoding="utf-8")
    first = sha256_path(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    renamed = sha256_path(tmp_path)
    (tmp_path / "b").write_text("2", encoding="utf-8")
    assert len({first, renamed, sha256_path(tmp_path)}) == 3


def test_json_refuses_nan_and_append_refuses_two_lines(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "x.json", {"value": float("nan")})
    assert not (tmp_path / "x.json").exists()
    with pytest.raises(ValueError, match="one line"):
        append_line(tmp_path / "ledger", "a\nb")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_fault_of_the_disk_is_told_wherever_it_comes_from(tmp_path: Path, number: int) -> None:
    with pytest.raises(StorageError, match="workspace: expected"), disk_faults_told(tmp_path / "workspace"):
        raise OSError(number, os.strerror(number))
    with pytest.raises(StorageError, match=r"deep\.bin: expected"), disk_faults_told(tmp_path):
        raise OSError(number, os.strerror(number), str(tmp_path / "deep.bin"))


def test_another_fault_stays_itself(tmp_path: Path) -> None:
    with pytest.raises(ConnectionRefusedError), disk_faults_told(tmp_path):
        raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")
