"""Whether the networks in ``pretrained/`` are the ones that a model asks for: said before a GPU is asked for.

Evidence is made with the vocoder and the content encoder that params.yaml names, or refused. A training that
ends at that refusal has cost its hours, so every stage of a model asks first, and so does the dry run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from components.core.errors import ConfigError, CorruptFileError
from components.core.params import Params
from components.core.stage_graph import Stage
from components.stages.shipped import shipped

_CARD = "model.json"
_ASKING = frozenset({"features", "adopt", "train", "evaluate"})


def require_served(project: Path, params: Params, stage: Stage, model: str | None) -> None:
    """Refuse a stage whose model would be served by other networks than it asks for.

    Raises:
        ConfigError: another kind, other dimensions, or none delivered.
        CorruptFileError: a card that is none.
    """
    if model is not None and stage.name in _ASKING:
        for error in misfits(project, params, model):
            raise error


def misfits(project: Path, params: Params, model: str) -> list[ConfigError]:
    """What does not go together, one error for each network.

    Raises:
        CorruptFileError: a card that is none.
    """
    found = []
    for name in params.models[model].served_by():
        folder = shipped(project) / name
        sides = params.auxiliaries[name].misfit(delivered_card(folder))
        if sides:
            expected, delivered = sides
            found.append(
                ConfigError(
                    who=f"{folder}, for {model}",
                    expected=f"what auxiliaries.{name}.architecture asks for: {expected}",
                    found=delivered,
                    action=f"ask for what is there, in a profile, or deliver it: make pretrain MODEL={name}",
                )
            )
    return found


def delivered_card(folder: Path) -> dict[str, Any] | None:
    """What a delivered network says of itself; None where there is none.

    Raises:
        CorruptFileError: a card that is none.
    """
    path = folder / _CARD
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["card"]
        card["architecture"].items()
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptFileError(
            who=str(path),
            expected="the card of a delivered network",
            found=type(error).__name__,
            action="restore it from the repository",
        ) from error
    return card
