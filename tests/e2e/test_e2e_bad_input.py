"""Bad input through the real command line: one clear line, the right exit code, everything as it was."""

from __future__ import annotations

import csv
import json
import os
import shutil
import socket
from collections import Counter
from pathlib import Path

import pytest
from command_line import ROOT, a_good_source, assert_told, ingest, run, tree
from source_folder import SourceFolder, tone

from components.core.errors import EXIT_BAD_INPUT, EXIT_OK
from components.core.paths import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "작업 공간"


@pytest.fixture
def standing(workspace: Path, tmp_path: Path) -> Path:
    """A workspace into which three recordings were taken."""
    assert ingest(a_good_source(tmp_path / "first").write(), workspace).returncode == EXIT_OK
    return workspace


def _stereo(path: Path) -> None:
    import numpy as np
    import soundfile as sf

    sf.write(path, np.zeros((16000, 2)), 16000, format="WAV", subtype="PCM_16")


def with_every_fault(folder: Path) -> tuple[SourceFolder, dict[str, str]]:
    """A source with one row a fault, and the reason that each row's id has to be rejected for."""
    source = SourceFolder(folder)
    source.add("missing", make_audio=False)
    truncated = source.add("truncated")
    truncated.write_bytes(truncated.read_bytes()[:-1000])
    source.add("empty").write_bytes(b"")
    source.add("mp3").write_bytes(b"ID3" + bytes(500))
    tone(source.add("slow", make_audio=False), rate=8000)
    tone(source.add("short", make_audio=False), seconds=0.1)
    _stereo(source.add("stereo"))
    source.add("silent", text="  ")
    source.add("klingon", language="tlh")
    source.add("nobody", consent="c9")
    source.add("unlicensed", licence="")
    source.add("up", make_audio=False, audio="../outside.wav")
    source.add("root", make_audio=False, audio=str(tone(folder.parent / "outside.wav")))
    source.add("link", make_audio=False, audio="link.wav")
    (folder / "link.wav").symlink_to(folder.parent / "outside.wav")
    source.add("a/b", make_audio=False)
    reasons = {
        "missing": "missing_file",
        "truncated": "truncated",
        "empty": "empty_file",
        "mp3": "not_audio",
        "slow": "sample_rate",
        "short": "too_short",
        "stereo": "stereo",
        "silent": "empty_text",
        "klingon": "unknown_language",
        "nobody": "missing_consent",
        "unlicensed": "missing_licence",
        "up": "path_outside",
        "root": "path_outside",
        "link": "path_outside",
        "a/b": "bad_name",
    }
    return source, reasons


def rejections(workspace: Path) -> dict[str, str]:
    text = (workspace / "ingest" / "rejected.csv").read_text(encoding="utf-8")
    return {row["utterance_id"]: row["reason"] for row in csv.DictReader(text.splitlines())}


def test_every_bad_row_is_listed_with_its_reason_and_the_good_ones_are_taken(
    tmp_path: Path, workspace: Path
) -> None:
    source, reasons = with_every_fault(tmp_path / "source")
    for number in range(len(reasons) + 3):
        source.add(f"good{number}")
    source.add("good0", audio="wavs/again.wav")  # two rows, one id: the first stays
    folder = source.write()
    with (folder / "metadata.csv").open("a", encoding="utf-8") as file:
        file.write("ragged,s1,ko\n")  # three cells: not even an id to name it by
    done = ingest(folder, workspace)
    assert done.returncode == EXIT_OK, done.stderr
    assert rejections(workspace) == {**reasons, "good0": "duplicate_id", "": "malformed_row"}
    told = json.loads((workspace / "ingest" / "manifest_summary.json").read_text(encoding="utf-8"))
    counts = told["sources"]["own"]
    assert counts["rows"] == len(source.rows) + 1
    assert counts["accepted"] + counts["rejected"] == counts["rows"]
    assert counts["accepted"] == len(reasons) + 3 == told["corpora"]["own"]["utterances"]
    assert counts["rejected_by_reason"] == dict(Counter(rejections(workspace).values()))


def test_a_source_that_is_mostly_bad_is_refused_whole(tmp_path: Path, standing: Path) -> None:
    source, reasons = with_every_fault(tmp_path / "second")
    before = tree(standing)
    done = ingest(source.write(), standing)
    assert_told(done, EXIT_BAD_INPUT, "corpus own", "15 of 15 rejected", *set(reasons.values()))
    for row in source.rows:
        assert f"{row['utterance_id']}: {reasons[row['utterance_id']]}" in done.stderr
    assert tree(standing) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"format": "mp3s"}, ("format 'mp3s'", "generic, jvs, kss")),
        ({"corpus": "../out"}, ("--corpus",)),
        ({"corpus": ""}, ("ingest", "no --corpus")),
        ({"profile": "lap"}, ("profile 'lap'", "ci, kind, laptop, papers, pretrain")),
    ],
)
def test_a_wrong_option_is_named(
    tmp_path: Path, workspace: Path, options: dict[str, str], words: tuple[str, ...]
) -> None:
    assert_told(ingest(a_good_source(tmp_path / "s").write(), workspace, **options), EXIT_BAD_INPUT, *words)
    assert set(tree(workspace)) == set()
    assert not (tmp_path / "out").exists()


def test_a_source_that_is_not_there_or_not_readable_is_named(tmp_path: Path, standing: Path) -> None:
    before = tree(standing)
    assert_told(ingest(tmp_path / "nowhere", standing), EXIT_BAD_INPUT, "nowhere", "no folder")
    (tmp_path / "bare").mkdir()
    assert_told(ingest(tmp_path / "bare", standing), EXIT_BAD_INPUT, "bare", "metadata.csv", "neither")
    korean = a_good_source(tmp_path / "cp949").write() / "metadata.csv"
    korean.write_bytes(korean.read_text(encoding="utf-8").encode("cp949"))
    assert_told(ingest(korean.parent, standing), EXIT_BAD_INPUT, "metadata.csv", "UTF-8")
    assert tree(standing) == before


def test_a_file_name_that_is_not_utf8_stops_nothing(tmp_path: Path, workspace: Path) -> None:
    source = a_good_source(tmp_path / "source").write()
    stray = os.fsencode(source) + b"/" + "녹음.txt".encode("cp949")  # from an old zip, say
    try:
        Path(os.fsdecode(stray)).write_text("x", encoding="utf-8")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    done = ingest(source, workspace)
    assert done.returncode == EXIT_OK, done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the parameters that a test may spoil."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(ROOT / "params.yaml", folder)
    shutil.copytree(ROOT / "profiles", folder / "profiles")
    return folder


PROFILES = {
    "unknown parameter": ("data: {splitz: {test: 0.1}}", ("profiles/bad.yaml: data.splitz", "unknown key")),
    "wrong type": ("data: {splits: {test: half}}", ("data.splits.test", "'half'")),
    "1e-4 is text": ("audio: {log_floor: 1e-4}", ("audio.log_floor", "'1e-4'", "1.0e-4")),
    "out of range": ("data: {splits: {test: 1.5}}", ("data.splits", "1.5")),
    "touches kpi": ("kpi: {latency: {target_ms: 900.0}}", ("profiles/bad.yaml: kpi", "latency")),
    "empties kpi": ("kpi:", ("profiles/bad.yaml: kpi",)),
    "key twice": ("seed: 1\nseed: 2", ("bad.yaml", "'seed' stands twice")),
    "no YAML": ("data: [1, 2", ("bad.yaml", "readable YAML")),
    "no mapping": ("- data", ("bad.yaml", "mapping", "list")),
    "touches kpi further up": ("extends: worse", ("profiles/worse.yaml: kpi",)),
}


@pytest.mark.parametrize("case", PROFILES)
def test_a_bad_profile_is_named_before_anything_is_written(case: str, project: Path, workspace: Path) -> None:
    text, words = PROFILES[case]
    (project / "profiles" / "bad.yaml").write_text(text + "\n", encoding="utf-8")
    (project / "profiles" / "worse.yaml").write_text("kpi: {confidence: 0.5}\n", encoding="utf-8")
    done = run(
        "-m", "components", "version", "--profile", "bad", "--workspace", str(workspace), project=project
    )
    assert_told(done, EXIT_BAD_INPUT, *words)
    assert not workspace.exists()


@pytest.mark.parametrize(
    ("line", "instead", "words"),
    [
        ("seed: 20241011", "seed: 20241011\nsede: 1", ("params.yaml: sede", "unknown parameter")),
        ("seed: 20241011", "seed: '20241011'", ("params.yaml: seed", "'20241011'")),
        ("seed: 20241011", "", ("params.yaml: seed", "required")),
        ("languages: [ko, en, ja, zh]", "languages: [ko, xx]", ("params.yaml: data.languages", "'xx'")),
    ],
)
def test_bad_params_are_named_before_anything_is_written(
    line: str, instead: str, words: tuple[str, ...], project: Path, workspace: Path
) -> None:
    params = project / "params.yaml"
    text = params.read_text(encoding="utf-8")
    assert line in text
    params.write_text(text.replace(line, instead, 1), encoding="utf-8")
    done = run("-m", "components", "version", "--workspace", str(workspace), project=project)
    assert_told(done, EXIT_BAD_INPUT, *words)
    assert not workspace.exists()


def test_a_project_without_parameters_is_named(tmp_path: Path) -> None:
    assert_told(
        run("-m", "components", "version", project=tmp_path), EXIT_BAD_INPUT, "params.yaml", str(tmp_path)
    )


@pytest.mark.parametrize("variable", ["IRIS_AIRFLOW_PORT", "IRIS_MLFLOW_PORT"])
def test_a_busy_port_is_named_and_nothing_is_started(variable: str, workspace: Path) -> None:
    with socket.socket() as taken, socket.socket() as free:
        for each in (taken, free):
            each.bind(("127.0.0.1", 0))
        taken.listen()
        ports = dict.fromkeys(("IRIS_AIRFLOW_PORT", "IRIS_MLFLOW_PORT"), str(free.getsockname()[1]))
        ports[variable] = str(taken.getsockname()[1])
        free.close()
        done = run("dags/embedded.py", "--ui", "--workspace", str(workspace), **ports)
    assert_told(done, EXIT_BAD_INPUT, ports[variable], "taken", f"{variable}=")
    assert [path for path in workspace.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("port", ["web", "70000", ""])
def test_a_port_that_is_none_is_named(port: str, workspace: Path) -> None:
    done = run("dags/embedded.py", "--ui", "--workspace", str(workspace), IRIS_AIRFLOW_PORT=port)
    assert_told(done, EXIT_BAD_INPUT, "IRIS_AIRFLOW_PORT", repr(port))


def test_one_port_for_both_servers_is_named(workspace: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    ports = dict.fromkeys(("IRIS_AIRFLOW_PORT", "IRIS_MLFLOW_PORT"), port)
    done = run("dags/embedded.py", "--ui", "--workspace", str(workspace), **ports)
    assert_told(done, EXIT_BAD_INPUT, "IRIS_AIRFLOW_PORT and IRIS_MLFLOW_PORT", port)


def test_damage_in_the_corpus_is_named_and_left_to_a_person(tmp_path: Path, standing: Path) -> None:
    corpus = Workspace.embedded(standing).data / "own"
    next(corpus.rglob("*.wav")).unlink()
    before = tree(standing)
    more = SourceFolder(tmp_path / "more")
    tone(more.add("new", make_audio=False), hz=900.0)
    assert_told(ingest(more.write(), standing), EXIT_BAD_INPUT, "corpus own", "1 missing", "restore-data")
    assert tree(standing) == before
