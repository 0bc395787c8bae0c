"""The documents point at things that exist: links, make targets, commands; and have the agreed shape."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from components.cli import app
from components.core.paths import project_root

ROOT = project_root()
DOCUMENTS = sorted([*ROOT.glob("README*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("mlflow/*.md")])
MODELS = ("rvc", "vallex", "fastpitch", "wav2lip")
COMMANDS = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
TARGETS = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
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
    assert set(re.findall(r"python -m components ([a-z][a-z-]*)", text)) <= COMMANDS
    assert set(re.findall(r"`make ([a-z0-9-]+)", text)) <= TARGETS


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
