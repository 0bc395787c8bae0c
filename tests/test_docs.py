"""The documents point at things that exist: links, make targets, commands; and have the agreed shape."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from components import catalogue
from components.cli import app
from components.core.paths import project_root

ROOT = project_root()
DOCUMENTS = sorted([*ROOT.glob("README*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("mlflow/*.md")])
MODELS = ("rvc", "vallex", "fastpitch", "wav2lip")
CLI = typer.main.get_command(app).commands  # type: ignore[attr-defined]
COMMANDS = set(CLI)
TARGETS = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
PARAMS: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
#: A dotted path that begins with a section of params.yaml.
PARAMETER = re.compile(rf"`((?:{'|'.join(k for k, v in PARAMS.items() if isinstance(v, dict))})(?:\.\w+)+)`")
#: Guides that exist in two languages: headings, commands and profiles are the same in both.
GUIDES = sorted(path for path in (ROOT / "docs").glob("*.md") if path.with_suffix(".ko.md").exists())
FENCE = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MODEL_HEADINGS = [
    "What it does",
    "Source and what differs",
    "Architecture",
    "Training",
    "Inference",
    "Parameters of the research log",
    "Status: what runs today",
    "Limits",
]


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _options(command: Any) -> set[str]:
    """Of a command, or of all commands of a group."""
    inner = getattr(command, "commands", {}).values()
    own = {name for parameter in command.params for name in parameter.opts}
    return own.union(*(_options(one) for one in inner))


@pytest.mark.parametrize("document", DOCUMENTS, ids=_named)
def test_relative_links_resolve(document: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = document.parent / file if file else document
        assert target.exists(), link
        if anchor:
            assert anchor in _anchors(target.read_text(encoding="utf-8")), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=_named)
def test_commands_and_targets_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert set(re.findall(r"python -m components ([a-z][a-z_-]*)", text)) <= COMMANDS
    assert set(re.findall(r"`make ([a-z0-9-]+)", text)) <= TARGETS


@pytest.mark.parametrize("document", DOCUMENTS, ids=_named)
def test_options_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for command, rest in re.findall(r"python -m components ([a-z][a-z_-]*)([^\n`;|>]*)", text):
        known = _options(CLI[command])
        assert set(re.findall(r"(?<=\s)--[a-z0-9-]+", rest)) <= known, command


@pytest.mark.parametrize("document", DOCUMENTS, ids=_named)
def test_parameters_exist(document: Path) -> None:
    for path in PARAMETER.findall(document.read_text(encoding="utf-8")):
        found: Any = PARAMS
        for key in path.split("."):
            assert isinstance(found, dict), path
            assert key in found, path
            found = found[key]


@pytest.mark.parametrize("document", DOCUMENTS, ids=_named)
def test_files_of_the_repository_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = re.findall(r"`((?:components|dags|k8s|pretrained|tests|benchmarks)/[\w./-]+)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=_named)
def test_dag_runs_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for dag, conf in re.findall(r"airflow dags trigger (\w+)(?: --conf '([^']*)')?", text):
        source = (ROOT / "dags" / f"{dag}.py").read_text(encoding="utf-8")
        assert f'dag_id="{dag}"' in source
        assert set(yaml.safe_load(conf or "{}")) <= set(re.findall(r'"(\w+)": Param\(', source)), dag


@pytest.mark.parametrize("guide", GUIDES, ids=_named)
def test_a_guide_says_the_same_in_both_languages(guide: Path) -> None:
    texts = [path.read_text(encoding="utf-8") for path in (guide, guide.with_suffix(".ko.md"))]
    shapes = [[len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)] for text in texts]
    assert shapes[0] == shapes[1]
    fences = [FENCE.findall(text) for text in texts]
    assert fences[0]
    assert fences[0] == fences[1]
    tables = [len(re.findall(r"^\|", text, re.MULTILINE)) for text in texts]
    assert tables[0] == tables[1]


@pytest.mark.parametrize("guide", GUIDES, ids=_named)
def test_the_profiles_of_a_guide_load(guide: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    blocks = [
        block
        for path in (ROOT / "docs" / "kubernetes.md", guide)  # profiles of the others stand on its `site`
        for block in re.findall(
            r"^```yaml\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        )
    ]
    names = [yaml.safe_load(block)["platform"]["profile_name"] for block in blocks]
    for name, block in zip(names, blocks, strict=True):
        (tmp_path / "profiles" / f"{name}.yaml").write_text(block, encoding="utf-8")
    for name in names:
        assert catalogue.load(tmp_path, name).platform.profile_name == name


@pytest.mark.parametrize("model", MODELS)
def test_model_documents_share_their_headings(model: str) -> None:
    text = (ROOT / "docs" / "models" / f"{model}.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == MODEL_HEADINGS


def test_decisions_are_numbered_without_a_gap() -> None:
    decisions = sorted((ROOT / "docs" / "adr").glob("*.md"))
    numbers = [int(path.name[:4]) for path in decisions]
    assert numbers == list(range(1, len(decisions) + 1))
    for number, path in zip(numbers, decisions, strict=True):
        assert path.read_text(encoding="utf-8").startswith(f"# {number}. "), path.name
