"""A real DVC repository and a local remote: versions, bit flips, crafted lists, races, kills."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from components.adapters.dvc_pointer import parse_listing, parse_pointer
from components.adapters.dvc_versions import DvcVersions
from components.core.errors import ConfigError, CorruptFileError, DataError, RemoteUnavailableError
from components.core.params.data import DvcParams
from components.core.ports import DataVersion, DataVersions
from components.data.tree_md5 import tree_md5


@pytest.fixture
def versions(tmp_path: Path) -> DvcVersions:
    """In a folder with a Korean name and a space: DVC's own configuration holds ASCII only."""
    workspace = tmp_path / "작업 공간"
    return DvcVersions(
        dvc_dir=workspace / "corpus",
        data_name="data",
        params=DvcParams(remote_name="storage", remote_url="", commit_pointer=False),
        local_remote=workspace / "remote",
        locks=workspace / "locks",
    )


def put(versions: DvcVersions, **files: str) -> None:
    for name, text in files.items():
        path = versions.dvc_dir / "data" / "own" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def contents(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text("utf-8") for p in folder.rglob("*") if p.is_file()}


def cache_of(versions: DvcVersions) -> Path:
    return versions.dvc_dir / ".dvc" / "cache" / "files" / "md5"


def remote_of(versions: DvcVersions) -> Path:
    return versions.local_remote / "files" / "md5"


def store(place: Path, content: bytes, suffix: str = "") -> str:
    """Put an object where DVC would, under its true name."""
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    path = place / md5[:2] / f"{md5[2:]}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return md5 + suffix


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(0o444)  # what DVC takes for "already checked"


def test_any_past_version_comes_back(versions: DvcVersions, tmp_path: Path) -> None:
    port: DataVersions = versions
    put(versions, 하나="1", two="2")
    first = port.add_and_push()
    assert first.md5 == tree_md5(versions.dvc_dir / "data", ["own"])
    assert first == port.current()
    assert (first.files, first.size_bytes) == (2, 2)
    assert Path(port.address(first)).is_file()
    put(versions, two="zwei", three="3")
    second = port.add_and_push()
    assert second.md5 != first.md5
    port.verify(first)
    assert port.restore(first.pointer, tmp_path / "old") == first
    assert contents(tmp_path / "old") == {"own/하나.txt": "1", "own/two.txt": "2"}
    assert contents(versions.dvc_dir / "data")["own/two.txt"] == "zwei"


def test_the_same_data_is_the_same_version(versions: DvcVersions) -> None:
    put(versions, a="1")
    first = versions.add_and_push()
    written = (versions.dvc_dir / "data.dvc").read_bytes()
    assert versions.add_and_push() == first
    assert (versions.dvc_dir / "data.dvc").read_bytes() == written


def test_half_built_folders_are_not_versioned(versions: DvcVersions) -> None:
    put(versions, a="1")
    expected = versions.add_and_push().md5
    for name in (".own.x1.tmp", ".own.old"):
        (versions.dvc_dir / "data" / name).mkdir()
        (versions.dvc_dir / "data" / name / "half.txt").write_text("half")
    assert versions.add_and_push().md5 == expected


def test_it_restores_from_the_remote_alone_and_from_the_cache_alone(
    versions: DvcVersions, tmp_path: Path
) -> None:
    put(versions, a="1", b="2")
    version = versions.add_and_push()
    cache_of(versions).rename(tmp_path / "cache away")
    versions.restore(version.pointer, tmp_path / "from remote")
    (tmp_path / "cache away").rename(cache_of(versions))
    versions.local_remote.rename(tmp_path / "remote away")
    versions.restore(version.pointer, tmp_path / "from cache")
    assert contents(tmp_path / "from remote") == contents(tmp_path / "from cache")
    assert len(contents(tmp_path / "from cache")) == 2


@pytest.mark.parametrize("place", [cache_of, remote_of])
def test_a_bit_flip_is_found_and_named(place: Callable[[DvcVersions], Path], versions: DvcVersions) -> None:
    put(versions, a="unique words")
    version = versions.add_and_push()
    md5 = hashlib.md5(b"unique words", usedforsecurity=False).hexdigest()
    flip(place(versions) / md5[:2] / md5[2:])
    with pytest.raises(CorruptFileError, match=md5[2:]):
        versions.verify(version)
    with pytest.raises(CorruptFileError, match=md5[2:]):
        versions.add_and_push()


def test_doing_what_the_error_says_heals_the_remote(versions: DvcVersions) -> None:
    put(versions, a="unique words")
    version = versions.add_and_push()
    md5 = hashlib.md5(b"unique words", usedforsecurity=False).hexdigest()
    damaged = remote_of(versions) / md5[:2] / md5[2:]
    flip(damaged)
    with pytest.raises(CorruptFileError, match="delete this object, then run"):
        versions.add_and_push()
    damaged.unlink()
    assert versions.add_and_push() == version
    versions.verify(version)


def test_a_lost_object_is_found_and_named(versions: DvcVersions) -> None:
    put(versions, a="unique words")
    version = versions.add_and_push()
    md5 = hashlib.md5(b"unique words", usedforsecurity=False).hexdigest()
    (remote_of(versions) / md5[:2] / md5[2:]).unlink()
    with pytest.raises(CorruptFileError, match="no such object"):
        versions.verify(version)


def test_restore_takes_the_sound_copy_and_refuses_without_one(versions: DvcVersions, tmp_path: Path) -> None:
    put(versions, a="unique words")
    version = versions.add_and_push()
    md5 = hashlib.md5(b"unique words", usedforsecurity=False).hexdigest()
    flip(cache_of(versions) / md5[:2] / md5[2:])
    versions.restore(version.pointer, tmp_path / "good")
    assert contents(tmp_path / "good") == {"own/a.txt": "unique words"}
    flip(remote_of(versions) / md5[:2] / md5[2:])
    with pytest.raises(CorruptFileError, match=md5):
        versions.restore(version.pointer, tmp_path / "bad")
    assert not (tmp_path / "bad").exists()


def test_an_unknown_version_is_named(versions: DvcVersions, tmp_path: Path) -> None:
    put(versions, a="1")
    versions.add_and_push()
    with pytest.raises(CorruptFileError, match="in neither"):
        versions.restore(f"outs:\n- md5: {'0' * 32}.dir\n", tmp_path / "out")


@pytest.mark.parametrize("relpath", ["../evil", "/absolute/evil"])
def test_a_crafted_list_writes_nothing(relpath: str, versions: DvcVersions, tmp_path: Path) -> None:
    put(versions, a="1")
    versions.add_and_push()
    evil = store(cache_of(versions), b"evil")
    md5 = store(cache_of(versions), json.dumps([{"md5": evil, "relpath": relpath}]).encode(), ".dir")
    with pytest.raises(DataError, match="paths below the data folder"):
        versions.restore(f"outs:\n- md5: {md5}\n", tmp_path / "target" / "deep")
    assert not (tmp_path / "target").exists()
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize(
    "relpath", ["a/../../evil", "", "a//b", "./a", "a\\..\\b", "..", "a\0b", "a/", 7, None]
)
def test_paths_that_lead_elsewhere_are_refused(relpath: object) -> None:
    with pytest.raises(DataError):
        parse_listing(json.dumps([{"md5": "0" * 32, "relpath": relpath}]).encode(), "list")


@pytest.mark.parametrize(
    "listing",
    [
        [{"md5": "../../../../etc/hostname", "relpath": "a"}],
        [{"md5": "0" * 32, "relpath": "a"}, {"md5": "1" * 32, "relpath": "a"}],
        [{"md5": "0" * 32, "relpath": "a"}, {"md5": "1" * 32, "relpath": "a/b"}],
        [{"relpath": "a"}],
        {"md5": "x"},
        5,
    ],
)
def test_other_unsafe_lists_are_refused(listing: object) -> None:
    with pytest.raises(DataError):
        parse_listing(json.dumps(listing).encode(), "list")


@pytest.mark.parametrize(
    "text",
    ["", "outs: []", "outs: [{md5: ../../x}]", "outs: [{md5: abc}]", "[1", "outs: 3", "outs:\n- md5: "
     + "0" * 32, "!!python/object/apply:os.system [true]"],
)  # fmt: skip
def test_other_pointers_are_refused(text: str) -> None:
    with pytest.raises(DataError):
        parse_pointer(text, "pointer")


def test_a_target_with_content_is_left_alone(versions: DvcVersions, tmp_path: Path) -> None:
    put(versions, a="1")
    version = versions.add_and_push()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "work.txt").write_text("mine")
    with pytest.raises(DataError, match="empty or absent"):
        versions.restore(version.pointer, tmp_path / "mine")
    assert contents(tmp_path / "mine") == {"work.txt": "mine"}


def test_parallel_versions_wait_for_each_other(versions: DvcVersions) -> None:
    put(versions, a="1", b="2")
    found: list[DataVersion] = []
    threads = [threading.Thread(target=lambda: found.append(versions.add_and_push())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_what_a_killed_dvc_leaves_does_not_stop_the_next(versions: DvcVersions) -> None:
    put(versions, a="1")
    version = versions.add_and_push()
    (versions.dvc_dir / ".dvc" / "tmp" / "rwlock").write_text('{"read": {"/half')
    (versions.dvc_dir / "data.dvc").write_text("outs:\n- md5: 12")
    assert versions.add_and_push().md5 == version.md5


def test_half_a_list_of_files_does_not_become_half_a_version(
    versions: DvcVersions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill while DVC notes what to push: the next push goes by the note, and stores the name of a whole."""
    put(versions, **{name: name for name in "abcdef"})

    def stopped(*given: object, **named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("dvc_data.index.push.push", stopped)
        with pytest.raises(KeyboardInterrupt):
            versions.add_and_push()
    (notes,) = (versions.dvc_dir / ".dvc").rglob("index/data/db.db")
    with contextlib.closing(sqlite3.connect(notes)) as database, database:
        # an object's node is named by its md5 without the first two digits
        lose = (
            "DELETE FROM nodes WHERE id IN (SELECT id FROM nodes WHERE length(name) = 30 ORDER BY id LIMIT 3)"
        )
        assert database.execute(lose).rowcount == 3
    versions.verify(versions.add_and_push())


def test_an_unreachable_remote_is_named_and_the_version_stays(versions: DvcVersions, tmp_path: Path) -> None:
    put(versions, a="1")
    (tmp_path / "a file").write_text("no folder")
    broken = replace(versions, local_remote=tmp_path / "a file" / "remote")
    with pytest.raises(RemoteUnavailableError, match=r"'storage'.*a file"):
        broken.add_and_push()
    assert broken.current().files == 1
    assert versions.add_and_push().md5 == broken.current().md5


def test_a_password_in_the_url_is_refused_and_not_shown(versions: DvcVersions) -> None:
    put(versions, a="1")
    params = versions.params.model_copy(update={"remote_url": "ssh://user:hunter2@host/data"})
    with pytest.raises(ConfigError) as caught:
        replace(versions, params=params).add_and_push()
    assert "hunter2" not in "\n".join(caught.value.lines())


def test_without_data_there_is_no_version(versions: DvcVersions) -> None:
    with pytest.raises(DataError, match="components ingest"):
        versions.add_and_push()
    with pytest.raises(DataError, match="components version"):
        versions.current()


def test_the_repository_is_plain_dvc(versions: DvcVersions) -> None:
    put(versions, a="1")
    versions.add_and_push()
    config = (versions.dvc_dir / ".dvc" / "config").read_text()
    assert "analytics = False" in config
    assert "verify = True" in config
    assert "no_scm = True" in config


def test_the_pointer_alone_is_committed(versions: DvcVersions, tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(tmp_path), "-c", "core.quotepath=off", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    git("init", "--quiet")
    git("config", "user.name", "test")
    git("config", "user.email", "test@example.org")
    (tmp_path / "other.txt").write_text("staged by somebody else")
    git("add", "other.txt")
    put(versions, a="1")
    committing = replace(versions, params=versions.params.model_copy(update={"commit_pointer": True}))
    version = committing.add_and_push()
    committing.add_and_push()
    assert git("log", "--format=%s", "--name-only").split("\n")[:3:2] == [
        f"data {version.md5} (1 files)",
        "작업 공간/corpus/data.dvc",
    ]
    assert git("diff", "--cached", "--name-only") == "other.txt\n"


def test_without_git_the_commit_is_refused(versions: DvcVersions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(versions.dvc_dir.parent))
    put(versions, a="1")
    committing = replace(versions, params=versions.params.model_copy(update={"commit_pointer": True}))
    with pytest.raises(ConfigError, match=r"git add data\.dvc"):
        committing.add_and_push()
    assert committing.current().files == 1


def test_a_killed_process_with_our_number_does_not_lock_us_out(versions: DvcVersions) -> None:
    """In a pod every process is number 1."""
    put(versions, one="1")
    versions.add_and_push()
    data = str(versions.dvc_dir / "data")
    killed = {"pid": os.getpid(), "cmd": "python -m components version --profile another"}
    held = {"write": {data: killed}, "read": {}}
    (versions.dvc_dir / ".dvc" / "tmp" / "rwlock").write_text(json.dumps(held))
    put(versions, two="2")
    assert versions.add_and_push().files == 2
