"""Makes an exported folder one that ``mlflow.pyfunc.load_model`` opens: models from code, no pickle."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from components.core.exported import CODE, PARTS
from components.core.params.base import ModelKind
from components.core.storage import write_text

_SCRIPT = Path(__file__).with_name("pyfunc_model.py")
_PACKAGE = "components"
_INPUTS: dict[ModelKind, tuple[tuple[str, str], ...]] = {
    "text_to_speech": (("text", "string"), ("language", "string"), ("speaker", "string")),
    "prompted_speech": (
        ("text", "string"),
        ("language", "string"),
        ("prompt", "binary"),
        ("prompt_text", "string"),
        ("prompt_language", "string"),
    ),
    "voice_conversion": (("audio", "binary"), ("speaker", "string"), ("language", "string")),
    "lip_sync": (("video", "binary"), ("audio", "binary"), ("language", "string")),
}
_OUTPUTS = (("media", "binary"), ("label", "string"))


def add_flavour(folder: Path, kind: ModelKind, requirements: Sequence[str]) -> None:
    """Add MLmodel, the script, and MLflow's environment files to a bundle that is not sealed yet.

    MLflow lays code and artefacts out itself; the bundle has them in the same places, so only what MLflow
    writes besides is taken over.

    Args:
        folder: as `components.delivery.bundle.write_bundle` left it.
        requirements: pinned; MLflow itself is among them.
    """
    from mlflow.pyfunc import save_model

    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    with tempfile.TemporaryDirectory(prefix="iris-mlflow-", dir=folder.parent) as scratch, _quiet():
        made = Path(scratch) / "model"
        save_model(
            path=str(made),
            python_model=str(_SCRIPT),
            artifacts={Path(PARTS).name: str(folder / PARTS)},
            code_paths=[str(folder / CODE / _PACKAGE)],
            pip_requirements=list(requirements),
            signature=_signature(kind),
        )
        for path in made.iterdir():
            if path.is_file():
                shutil.copyfile(path, folder / path.name)
    _forget_this_machine(folder / "MLmodel")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without MLflow's advice to log an example: the signature is given."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def _forget_this_machine(path: Path) -> None:
    """MLflow notes where script and artefacts lay here, and reads only their names."""
    model = yaml.safe_load(path.read_text(encoding="utf-8"))
    flavour = model["flavors"]["python_function"]
    flavour["model_code_path"] = _SCRIPT.name
    for artefact in flavour["artifacts"].values():
        artefact["uri"] = artefact["path"]
    write_text(path, yaml.safe_dump(model, allow_unicode=True))


def _signature(kind: ModelKind) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    inputs = Schema([ColSpec(type_, name) for name, type_ in _INPUTS[kind]])
    return ModelSignature(inputs=inputs, outputs=Schema([ColSpec(type_, name) for name, type_ in _OUTPUTS]))
