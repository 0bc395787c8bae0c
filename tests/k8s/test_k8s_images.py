"""The images: Dockerfiles within our rules, pins that agree with the lock, files that suffice to start."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from images import copied, objections
from manifests import ROOT

IMAGES = ROOT / "k8s" / "images"
DOCKERFILES = sorted(IMAGES.glob("*.Dockerfile"))
STAGE = (IMAGES / "stage.Dockerfile").read_text(encoding="utf-8")
BASE = "FROM ${PYTHON_IMAGE} AS build\n"


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.stem)
def test_dockerfiles_keep_the_rules(path: Path) -> None:
    assert list(objections(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (BASE, "FROM python:3.11-slim AS build\n", "no digest"),
        (BASE, "FROM python:latest AS build\n", "latest"),
        ("ARG PYTHON_IMAGE\n", "ARG PYTHON_IMAGE=python:3.11\n", "required argument"),
        ("in *@sha256:*)", "in *)", "without a digest"),
        ("USER 10001:10001", "", "runs as root"),
        ("USER 10001:10001", "USER root", "runs as root"),
        ("USER 10001:10001", "USER 0", "runs as 0"),
        ("HEALTHCHECK NONE", "RUN curl -sSf https://example.org/install.sh | sh", "straight into a shell"),
        ("HEALTHCHECK NONE", "ENV REGISTRY_TOKEN=abc", "a secret in a layer"),
        ("HEALTHCHECK NONE", "ADD https://example.org/x.tar.gz /", "ADD"),
        ("rm -rf /var/lib/apt/lists/*", "true", "package lists"),
    ],
)
def test_a_dockerfile_that_breaks_a_rule_is_told(old: str, new: str, what: str) -> None:
    assert old in STAGE
    assert [line for line in objections(STAGE.replace(old, new)) if what in line]


def test_cpu_and_cuda_install_the_lock_and_only_cuda_the_extra() -> None:
    stages = dict(re.findall(r"^FROM \S+ AS (build-\w+)\n(.*?)(?=^FROM)", STAGE, re.MULTILINE | re.DOTALL))
    assert set(stages) == {"build-cpu", "build-cuda"}
    assert all("components/environment.py /opt/iris" in text for text in stages.values())
    assert [name for name, text in stages.items() if "requirements-gpu.txt" in text.split("RUN", 1)[1]] == [
        "build-cuda"
    ]


def test_pins_outside_the_lock_agree_with_it() -> None:
    lock = _pins(ROOT / "requirements.lock")
    for name in ("requirements-gpu.txt", "requirements-mlflow.txt"):
        pins = _pins(IMAGES / name)
        assert pins
        assert {package: lock.get(package, version) for package, version in pins.items()} == pins
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (extra,) = re.findall(r"^gpu = \[(.*)\]$", project, re.MULTILINE)
    assert set(re.findall(r'"([a-z]+)[><=]', extra)) <= set(_pins(IMAGES / "requirements-gpu.txt"))


def test_what_the_airflow_image_copies_is_enough_to_parse_every_dag(tmp_path: Path) -> None:
    copied((IMAGES / "airflow.Dockerfile").read_text(encoding="utf-8"), ROOT, tmp_path)
    project = tmp_path / "opt" / "iris"
    done = _python(
        "import components, retrain, ingest_recordings; print(components.__file__, len(retrain.DAG.tasks))",
        project,
        PYTHONPATH=f"{project}:{project / 'dags'}",
        AIRFLOW_HOME=str(tmp_path / "airflow"),
    )
    assert done.returncode == 0, done.stderr
    assert str(project) in done.stdout


def test_what_the_stage_image_copies_is_enough_to_start(tmp_path: Path) -> None:
    copied(STAGE, ROOT, tmp_path)
    project = tmp_path / "app"
    done = _python(
        "import components; from components import catalogue; from components.core.paths import project_root;"
        "params = catalogue.load(project_root(), 'kind'); print(components.__file__, params.version)",
        project,
        PYTHONPATH=str(project),
    )
    assert done.returncode == 0, done.stderr
    assert str(project) in done.stdout
    assert (project / "pretrained").is_dir()
    assert not (project / "tests").exists()


def test_the_build_context_holds_what_is_copied_and_no_more() -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line[1:] for line in ignore if line.startswith("!")}
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCKERFILES)
    for rest in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE):
        for name in rest.split()[:-1]:
            assert any(Path(name).is_relative_to(kept) for kept in allowed), name
    assert ignore[next(n for n, line in enumerate(ignore) if not line.startswith("#"))] == "**"
    assert not allowed & {"data", "artifacts", ".git", ".venv"}


def _pins(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (
        line.split(";")[0].strip().split("==") for line in lines if "==" in line and not line.startswith("#")
    )
    return {name.lower().replace("_", "-"): version for name, version in pairs}


def _python(code: str, project: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    outside = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "IRIS", "PYTHONPATH"))}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=project,
        env={**outside, "IRIS_PROJECT_ROOT": str(project), **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
