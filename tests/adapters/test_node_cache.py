"""The node cache on a real DVC remote: races, kills, eviction, bit flips, and links that are links."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.adapters.dvc_pointer import Entry
from components.adapters.dvc_versions import DvcVersions
from components.adapters.hard_links import is_laid_out, lay_out, remove
from components.adapters.node_cache import NodeCache
from components.core import file_lock
from components.core.errors import ConfigError, CorruptFileError, DataError, StorageError
from components.core.params.data import DvcParams
from components.core.ports import DataVersion
from components.core.progress import Progress

FILE_BYTES = 40_000
FILES = 6


@dataclass
class Node:
    """One node: a data repository with a remote, and the cache that the pods here share."""

    versions: DvcVersions
    root: Path
    max_bytes: int = 10**9
    said: io.StringIO = None  # type: ignore[assignment]

    def holding(self, version: DataVersion):
        self.said = io.StringIO()
        progress = Progress("data", self.said)
        return self.versions.holding(version.md5, version.size_bytes, self.root, self.max_bytes, progress)

    def object(self, md5: str) -> Path:
        return self.root / "files" / "md5" / md5[:2] / md5[2:]

    def add(self, *seeds: int) -> DataVersion:
        """A version whose files are those of ``seeds``."""
        for number, seed in enumerate(seeds):
            path = self.versions.dvc_dir / "data" / "말뭉치" / f"{number}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.write_bytes(content(seed))
        version = self.versions.add_and_push()
        # what a pod has: the remote; DVC's own cache is where the version was made
        for place in (self.versions.dvc_dir / ".dvc" / "cache" / "files").rglob("*"):
            if place.is_file():
                place.chmod(0o644)
                place.unlink()
        return version


def content(seed: int) -> bytes:
    return hashlib.sha256(str(seed).encode()).digest() * (FILE_BYTES // 32)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    workspace = tmp_path / "작업 공간"
    versions = DvcVersions(
        dvc_dir=workspace / "corpus",
        data_name="data",
        params=DvcParams(remote_name="storage", remote_url="", commit_pointer=False),
        local_remote=workspace / "remote",
        locks=workspace / "locks",
    )
    return Node(versions, tmp_path / "node-cache")


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def flip(path: Path) -> None:
    """A flipped bit that keeps size, time and mode, as a disk would do it."""
    before = path.stat()
    path.chmod(0o644)
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    with path.open("r+b") as file:
        file.write(damaged)
    path.chmod(before.st_mode & 0o7777)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_version_is_laid_out_read_only_in_hard_links(node: Node) -> None:
    version = node.add(*range(FILES), 0)
    with node.holding(version) as folder:
        found = files(folder)
        assert [path.read_bytes() for path in found] == [content(seed) for seed in [*range(FILES), 0]]
        md5 = hashlib.md5(content(0), usedforsecurity=False).hexdigest()
        assert found[0].stat().st_ino == found[-1].stat().st_ino == node.object(md5).stat().st_ino
        assert found[0].stat().st_nlink == 3  # its object and the two equal files
        assert {path.stat().st_nlink for path in found[1:-1]} == {2}
        assert {path.stat().st_mode & 0o777 for path in found} == {0o444}
        assert {path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())} == {0o555}
    remove(folder)  # pytest's clean-up cannot empty read-only folders


def test_a_second_version_shares_what_it_has_in_common(node: Node) -> None:
    first = node.add(0, 1, 2)
    second = node.add(0, 1, 9)
    with node.holding(first) as one, node.holding(second) as two:
        assert "1 files fetched" in node.said.getvalue()
        shared = [a.stat().st_ino == b.stat().st_ino for a, b in zip(files(one), files(two), strict=True)]
        assert shared == [True, True, False]


def test_what_is_there_is_not_fetched_again(node: Node) -> None:
    version = node.add(0, 1)
    with node.holding(version):
        pass
    node.versions.local_remote.rename(node.versions.local_remote.with_name("gone"))
    with node.holding(version) as folder:
        assert len(files(folder)) == 2


@pytest.mark.parametrize("what", ["object", "list", "deleted", "extra", "writable"])
def test_damage_is_found_and_mended(node: Node, what: str) -> None:
    version = node.add(0, 1, 2)
    with node.holding(version) as folder:
        victim = files(folder)[1]
    if what == "object":
        flip(victim)
    elif what == "list":
        flip(node.object(version.md5))
    elif what == "writable":
        victim.chmod(0o664)
    else:
        victim.parent.chmod(0o755)
        victim.unlink() if what == "deleted" else victim.with_name("extra.wav").write_text("?")
    with node.holding(version) as again:
        assert [path.read_bytes() for path in files(again)] == [content(seed) for seed in range(3)]
        assert {path.stat().st_mode & 0o777 for path in files(again)} == {0o444}
        assert {path.stat().st_nlink for path in files(again)} == {2}
        fetched = {"object": "1 files", "list": "0 files"}.get(what)
        assert fetched is None or f"{fetched} fetched" in node.said.getvalue()
        assert fetched is not None or "fetched" not in node.said.getvalue()


def test_a_corrupt_remote_object_is_never_laid_out(node: Node) -> None:
    version = node.add(0, 1)
    md5 = hashlib.md5(content(1), usedforsecurity=False).hexdigest()
    flip(node.versions.local_remote / "files" / "md5" / md5[:2] / md5[2:])
    with pytest.raises(CorruptFileError, match=md5), node.holding(version):
        pass
    assert not list((node.root / "versions").glob("*"))


@pytest.mark.parametrize("relpath", ["../outside", "/etc/passwd", "a/../../outside", "a\\..\\b", "a//b"])
def test_a_crafted_list_is_refused_and_nothing_is_written(node: Node, relpath: str) -> None:
    node.add(0)
    md5 = hashlib.md5(content(0), usedforsecurity=False).hexdigest()
    listing = json.dumps([{"md5": md5, "relpath": relpath}]).encode()
    name = hashlib.md5(listing, usedforsecurity=False).hexdigest()
    path = node.versions.local_remote / "files" / "md5" / name[:2] / f"{name[2:]}.dir"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(listing)
    with (
        pytest.raises(DataError, match="below the data folder"),
        node.holding(DataVersion(f"{name}.dir", 1, 1, "")),
    ):
        pass
    assert not (node.root / "versions").exists()
    assert not list((node.root / "files").rglob("*"))


@pytest.mark.parametrize("md5", ["../../x.dir", "0" * 32, "A" * 32 + ".dir", "", "0" * 32 + ".dir\n"])
def test_a_version_that_is_no_md5_is_refused(node: Node, md5: str) -> None:
    with pytest.raises(DataError, match="32 hexadecimal digits"), node.holding(DataVersion(md5, 1, 1, "")):
        pass
    assert not node.root.exists()


def test_the_least_recently_used_version_goes_first(node: Node) -> None:
    versions = [node.add(*range(base, base + 3)) for base in (0, 10, 20)]
    node.max_bytes = round(2.5 * 3 * FILE_BYTES)
    for version in versions[:2]:
        with node.holding(version):
            pass
        time.sleep(0.02)
    with node.holding(versions[0]):  # used again: the other one is older now
        pass
    time.sleep(0.02)
    with node.holding(versions[2]):
        pass
    assert {path.name for path in (node.root / "versions").iterdir()} == {versions[0].md5, versions[2].md5}
    stored = [path for path in files(node.root / "files") if path.suffix != ".dir"]
    assert len(stored) == 6
    assert sum(path.stat().st_size for path in files(node.root / "files")) <= node.max_bytes


def test_a_version_in_use_is_never_evicted(node: Node) -> None:
    first, second = node.add(0, 1, 2), node.add(10, 11, 12)
    node.max_bytes = round(1.5 * 3 * FILE_BYTES)
    with node.holding(first) as folder:
        with pytest.raises(StorageError, match="versions in use"), node.holding(second):
            pass
        assert len(files(folder)) == 3
    with node.holding(second) as folder:
        assert len(files(folder)) == 3
    assert not (node.root / "versions" / first.md5).exists()


def test_a_version_larger_than_the_bound_is_a_question_of_configuration(node: Node) -> None:
    version = node.add(0, 1, 2)
    node.max_bytes = 2 * FILE_BYTES
    with pytest.raises(ConfigError, match="max_gib"), node.holding(version):
        pass


def test_a_pointer_that_lies_about_its_size_does_not_break_the_bound(node: Node) -> None:
    version = replace(node.add(*range(20)), size_bytes=1)
    node.max_bytes = 3 * FILE_BYTES
    with pytest.raises(StorageError, match="what arrives"), node.holding(version):
        pass
    assert sum(path.stat().st_size for path in files(node.root / "files")) <= node.max_bytes


def test_what_a_given_up_fetch_left_makes_room_for_others(node: Node) -> None:
    given_up, wanted = node.add(0, 1, 2), node.add(10, 11, 12)
    with node.holding(given_up) as folder:
        pass
    remove(folder)
    node.max_bytes = round(1.5 * 3 * FILE_BYTES)
    with node.holding(wanted) as folder:
        assert len(files(folder)) == 3


# ── several processes ────────────────────────────────────────────────────────────────────────────────

POD = """
import sys, time, types
from pathlib import Path
from components.adapters import dvc_objects
from components.adapters.dvc_versions import DvcVersions
from components.core.params.data import DvcParams
from components.core.progress import Progress

workspace, cache, md5, size, pace, log = Path(sys.argv[1]), *sys.argv[2:7]
stream = dvc_objects.Store.stream
def slowly(self, oid, sink):
    with Path(log).open("a") as file:
        file.write(oid + "\\n")
    time.sleep(float(pace))
    return stream(self, oid, sink)
dvc_objects.Store.stream = slowly
params = DvcParams(remote_name="storage", remote_url="", commit_pointer=False)
versions = DvcVersions(workspace / "corpus", "data", params, workspace / "remote", workspace / "locks")
with versions.holding(md5, int(size), Path(cache), 10**9, Progress("pod")) as folder:
    print(len([p for p in folder.rglob("*") if p.is_file()]), flush=True)
    sys.stdin.readline()
"""


@contextmanager
def pod(node: Node, version: DataVersion, log: Path, pace: float = 0.0) -> Iterator[subprocess.Popen[str]]:
    """A process that brings the version here, says how many files it has, and holds it until told to end."""
    place = [str(node.versions.dvc_dir.parent), str(node.root)]
    command = [sys.executable, "-c", POD, *place, version.md5, str(version.size_bytes), str(pace), str(log)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def finished(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate("\n", timeout=60)
    assert process.returncode == 0, err
    return out.strip()


def lines(log: Path) -> list[str]:
    return log.read_text().split() if log.is_file() else []


def test_two_processes_at_once_fetch_once(node: Node, tmp_path: Path) -> None:
    version, log = node.add(*range(FILES)), tmp_path / "log"
    with pod(node, version, log, pace=0.05) as one, pod(node, version, log, pace=0.05) as two:
        assert [finished(one), finished(two)] == [str(FILES), str(FILES)]
    remote = [oid for oid in lines(log) if not oid.endswith(".dir")]
    # each object was asked for in DVC's cache (not there) and in the remote, by one process
    assert sorted(remote) == sorted(2 * list(set(remote)))
    assert len(set(remote)) == FILES


def test_a_killed_fetch_frees_the_lock_and_is_gone_on_with(node: Node, tmp_path: Path) -> None:
    version, first, second = node.add(*range(40)), tmp_path / "first", tmp_path / "second"
    with pod(node, version, first, pace=0.1) as killed:
        deadline = time.monotonic() + 60
        while len(files(node.root / "files")) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    here = {path for path in files(node.root / "files") if path.suffix != ".dir"}
    assert 0 < len(here) < 40
    before = {path: path.stat().st_ino for path in here}
    with pod(node, version, second) as again:
        assert finished(again) == "40"
    fetched = {oid for oid in lines(second) if not oid.endswith(".dir")}
    assert len(fetched) == 40 - len(here)
    assert {path: path.stat().st_ino for path in here} == before
    assert files(node.root / "tmp") == []


def test_a_holder_that_is_killed_holds_nothing_any_more(node: Node, tmp_path: Path) -> None:
    first, second = node.add(0, 1, 2), node.add(10, 11, 12)
    node.max_bytes = round(1.5 * 3 * FILE_BYTES)
    with pod(node, first, tmp_path / "log") as holder:
        assert holder.stdout
        assert holder.stdout.readline().strip() == "3"
        with pytest.raises(StorageError), node.holding(second):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with node.holding(second) as folder:
            assert len(files(folder)) == 3


# ── the tree of links ────────────────────────────────────────────────────────────────────────────────

NAMES = st.sampled_from(["a", "b", "c"])
TREES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=3).map("/".join), st.sampled_from("xyz"), min_size=1
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(before=TREES, after=TREES)
def test_any_tree_becomes_any_other(tmp_path: Path, before: dict[str, str], after: dict[str, str]) -> None:
    folder = tmp_path / "trees"
    folder.mkdir(exist_ok=True)
    objects, scratch, tree = folder / "objects", folder / "scratch", folder / "tree"
    for place in (objects, scratch):
        place.mkdir(exist_ok=True)
    for name in "xyz":
        (objects / name).touch()
    remove(tree)
    for wanted in (before, after):
        entries = [Entry(path, md5) for path, md5 in _without_clashes(wanted).items()]
        lay_out(tree, entries, lambda md5: objects / md5, scratch)
        assert is_laid_out(tree, entries, lambda md5: objects / md5)
        found = {path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()}
        assert found == {entry.path.as_posix() for entry in entries}
        assert list(scratch.iterdir()) == []


def _without_clashes(wanted: dict[str, str]) -> dict:  # type: ignore[type-arg]
    from pathlib import PurePosixPath

    paths = {PurePosixPath(name): md5 for name, md5 in wanted.items()}
    folders = {parent for path in paths for parent in path.parents}
    return {path: md5 for path, md5 in paths.items() if path not in folders}


def test_a_symbolic_link_in_the_tree_leads_nowhere(tmp_path: Path) -> None:
    outside, objects = tmp_path / "outside", tmp_path / "objects"
    for place in (outside, objects, tmp_path / "scratch", tmp_path / "tree"):
        place.mkdir()
    (objects / "x").write_text("sound")
    (tmp_path / "tree" / "a").symlink_to(outside)
    from pathlib import PurePosixPath

    entries = [Entry(PurePosixPath("a/b"), "x")]
    lay_out(tmp_path / "tree", entries, lambda md5: objects / md5, tmp_path / "scratch")
    assert list(outside.iterdir()) == []
    assert (tmp_path / "tree" / "a" / "b").read_text() == "sound"


def test_locks_are_shared_by_readers_and_refuse_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with file_lock.shared(path), file_lock.shared(path), file_lock.alone_or_not(path) as alone:
        assert not alone
    with file_lock.alone_or_not(path) as alone:
        assert alone


def test_the_cache_says_what_it_does(node: Node) -> None:
    version = node.add(0, 1)
    with node.holding(version):
        assert "2/2 files fetched" in node.said.getvalue()
        assert "100%" in node.said.getvalue()
    assert NodeCache(node.root, 1, Progress("x")).root == node.root
