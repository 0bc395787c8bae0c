"""An exported model: its folder, written whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.core.exported import (
    AUXILIARIES,
    CODE,
    DELIVERED,
    DESCRIPTION,
    PARTS,
    REFERENCES,
    Description,
    write_manifest,
)
from components.core.storage import write_text
from components.delivery.code_paths import CodePaths, code_paths
from components.delivery.references import Heard

ENTRY = "use.py"
_ENTRY_SOURCE = Path(__file__).with_name(ENTRY)


@dataclass(frozen=True)
class Contents:
    """What goes into the folder.

    Attributes:
        description: of the model.
        delivered: its folder, as training left it.
        auxiliaries: name → folder of a network that serves it.
        heard: sentences of its evaluation.
        files: further files by their place below the exported folder → text: card, requirements, evidence.
    """

    description: Description
    delivered: Path
    auxiliaries: Mapping[str, Path]
    heard: Sequence[Heard]
    files: Mapping[str, str]

    @property
    def code(self) -> CodePaths:
        """The code that runs it."""
        return code_paths(self.description.model, self.auxiliaries)


def write_bundle(folder: Path, contents: Contents) -> None:
    """Write the exported model into an empty folder. `seal` it when nothing more is added."""
    parts = folder / PARTS
    shutil.copytree(contents.delivered, parts / DELIVERED)
    for name, network in contents.auxiliaries.items():
        shutil.copytree(network, parts / AUXILIARIES / name)
    (parts / REFERENCES).mkdir(parents=True)
    for one in contents.heard:
        one.copy(parts / REFERENCES)
    write_text(parts / DESCRIPTION, contents.description.model_dump_json(indent=2) + "\n")
    contents.code.copy(folder / CODE)
    shutil.copyfile(_ENTRY_SOURCE, folder / ENTRY)
    for name, text in contents.files.items():
        write_text(folder / name, text)


def seal(folder: Path) -> None:
    """Hash every file of a finished export."""
    write_manifest(folder)
