"""What the repository ships in ``pretrained/``: first weights of models, and the auxiliary networks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from components import catalogue
from components.core.params import Params
from components.core.storage import sha256_path

if TYPE_CHECKING:
    from components.nn.contracts import Auxiliaries


def shipped(project: Path) -> Path:
    """The folder of delivered networks, one folder each."""
    return project / "pretrained"


def auxiliaries(project: Path, params: Params) -> Auxiliaries:
    """The shipped auxiliary networks, and what ``params`` say of them; loads torch."""
    from components.nn.contracts import Auxiliaries

    return Auxiliaries(shipped(project), params.auxiliaries)


def auxiliary_weights(project: Path, names: Collection[str] | None = None) -> Mapping[str, str]:
    """Name of each auxiliary network → sha256 of its delivered folder, "" where none is shipped.

    Args:
        names: only these; None for all.
    """
    chosen = catalogue.auxiliary_names() if names is None else names
    folders = {name: shipped(project) / name for name in chosen}
    return {name: sha256_path(folder) if folder.is_dir() else "" for name, folder in folders.items()}
