"""A delivered model on disk: weights as safetensors, a card as JSON, and a hash between the two.

``model.safetensors`` holds tensors and can hold nothing else; pickle formats can run code when they are read,
so no other file of weights is opened here. safetensors loads a flipped bit without a word: the card's sha256
is what notices it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from components.core.errors import CorruptFileError, DataError
from components.core.storage import sha256_path, write_json

WEIGHTS_NAME, CARD_NAME = "model.safetensors", "model.json"
_FORMAT = 1
_PICKLES = {".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle"}


@dataclass(frozen=True)
class Delivered:
    """A delivered model, checked.

    Attributes:
        weights: name → tensor; floating point ones are float32 whatever they were stored in.
        card: what the model's own spec wrote beside them.
        sha256: of the file of weights.
    """

    weights: Mapping[str, Tensor]
    card: Mapping[str, Any]
    sha256: str


def with_inherited(consents: Mapping[str, str], begun_from: Path | None) -> dict[str, str]:
    """Consents that new weights rest on: those of their own recordings, and of the weights they began from.

    What was learned before is still in the weights, whether or not the voice was heard again; so a voice that
    withdraws reaches every generation after the one that heard it.

    Args:
        consents: speaker → consent id, of the recordings of this training; it decides where both know one.
        begun_from: folder of delivered weights; None: drawn ones.

    Raises:
        OSError, KeyError: no card there.
    """
    if begun_from is None:
        return dict(consents)
    card = json.loads((begun_from / CARD_NAME).read_text(encoding="utf-8"))["card"]
    return {**card.get("consents", {}), **consents}


def write_delivered(
    weights: Mapping[str, Tensor], folder: Path, *, model: str, card: Mapping[str, Any], dtype: torch.dtype
) -> None:
    """Write weights and card into an empty folder (the caller makes it appear at once, by rename).

    Args:
        weights: contiguous CPU tensors.
        model: the model's name in params.yaml.
        card: JSON; what is needed to build the network and to say what it can do.
        dtype: of the stored floating point tensors.
    """
    from safetensors.torch import save_file

    stored = {
        name: value.to(dtype) if value.is_floating_point() else value for name, value in weights.items()
    }
    save_file(stored, folder / WEIGHTS_NAME)
    (folder / WEIGHTS_NAME).chmod(0o644)  # safetensors leaves it to its owner alone
    write_json(
        folder / CARD_NAME,
        {
            "format": _FORMAT,
            "model": model,
            "weights_sha256": sha256_path(folder / WEIGHTS_NAME),
            "dtype": str(dtype).removeprefix("torch."),
            "parameters": sum(value.numel() for value in weights.values()),
            "card": dict(card),
        },
    )


def read_delivered(folder: Path, model: str) -> Delivered:
    """Read a delivered model of the given name.

    Raises:
        DataError: no delivered model there, another model's, or only a pickle.
        CorruptFileError: the bytes are not the ones that were delivered.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / WEIGHTS_NAME
    _require_safetensors(folder, path)
    header = _header(folder / CARD_NAME, model)
    found = sha256_path(path)
    if found != header["weights_sha256"]:
        raise _corrupt(path, f"sha256 {header['weights_sha256'][:12]}… as in {CARD_NAME}", f"{found[:12]}…")
    try:
        weights = load_file(path)
    except SafetensorError as error:
        raise _corrupt(path, "safetensors", str(error)) from error
    full = {name: value.float() if value.is_floating_point() else value for name, value in weights.items()}
    return Delivered(full, header["card"], found)


def _require_safetensors(folder: Path, path: Path) -> None:
    if path.is_file():
        return
    pickles = sorted(p.name for p in folder.glob("*") if p.suffix in _PICKLES) if folder.is_dir() else []
    raise DataError(
        who=str(folder),
        expected=f"{WEIGHTS_NAME} and {CARD_NAME}",
        found=f"{', '.join(pickles)} (a pickle, never opened)" if pickles else "no weights",
        action="train and deliver again, or convert the weights to safetensors where you trust them",
    )


def _header(path: Path, model: str) -> dict[str, Any]:
    try:
        header: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found, sha256, card = header["model"], header["weights_sha256"], header["card"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _corrupt(path, "a card with model, weights_sha256 and card", type(error).__name__) from error
    if header.get("format") != _FORMAT or not isinstance(sha256, str) or not isinstance(card, dict):
        raise _corrupt(path, f"a card of format {_FORMAT}", f"format {header.get('format')!r}")
    if found != model:
        raise DataError(
            who=str(path), expected=f"a {model}", found=f"a {found}", action="name the folder of that model"
        )
    return header


def _corrupt(path: Path, expected: str, found: str) -> CorruptFileError:
    return CorruptFileError(
        who=str(path),
        expected=expected,
        found=found,
        action="restore it from the registry or train again; nothing was loaded",
    )
