"""An exported model on disk: what lies where, what it says of itself, and the hashes of every file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.core.errors import CorruptFileError
from components.core.params.base import ModelKind
from components.core.storage import sha256_path, write_text

#: Below the exported folder: what the model is, and the code that runs it. MLflow has the same places.
PARTS, CODE = "artifacts/model", "code"
#: Below ``PARTS``.
DELIVERED, AUXILIARIES, REFERENCES = "delivered", "auxiliaries", "references"
DESCRIPTION = "description.json"
#: Below the exported folder, as ``sha256sum`` writes it; ``sha256sum -c`` needs nothing of ours.
MANIFEST = "manifest.sha256"
_IGNORED = "__pycache__"
_CLOSED = (f"{PARTS}/", f"{CODE}/")


class Reference(BaseModel):
    """A sentence or clip as the evaluation had it; the exported model has to make it again.

    Attributes:
        sample: wav below ``REFERENCES``; of a model that moves lips the pictures, see
            `components.inference.exact_clip`.
        source: what was converted, below ``REFERENCES``; "": nothing, the text was read.
        prompt: the recording whose voice said it, below ``REFERENCES``; "": the model knows its speakers.
        prompt_text, prompt_language: every word of the prompt.
        seed: of what was drawn while it was said; only beside a prompt.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    sentence_id: str
    language: str
    text: str
    speaker: str
    sample: str
    source: str
    prompt: str = ""
    prompt_text: str = ""
    prompt_language: str = ""
    seed: int | None = None


class Tolerance(BaseModel):
    """How far what is made again may lie from the evaluation's."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    min_agreement_db: float = Field(description="magnitudes of the spectra over their difference")
    max_duration_difference_s: float = Field(ge=0)
    max_frame_difference: float = Field(ge=0, description="worst frame, mean over its mouth, of 255 levels")


class Description(BaseModel):
    """``description.json``: what is needed to build the model, beside its weights.

    Attributes:
        section: ``models.<model>`` of params.yaml with the profile that it was judged under.
        auxiliaries: name → ``auxiliaries.<name>``, of the networks that serve it.
        video: ``data.video``; None where no faces are looked for.
        run_id: the MLflow run that trained it; "": none is known.
        seed: of what is drawn while speaking, where a caller gives none.
        evaluated_on: the device of its evaluation, as the evidence names it; "": none is known.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    format: Literal[1] = 1
    model: str
    version: str
    kind: ModelKind
    profile: str
    scope: str
    run_id: str
    weights_sha256: str
    section: dict[str, Any]
    auxiliaries: dict[str, dict[str, Any]]
    video: dict[str, Any] | None
    seed: int
    evaluated_on: str
    references: tuple[Reference, ...]
    tolerance: Tolerance


def read_description(parts: Path) -> Description:
    """The description of the model in ``parts``.

    Raises:
        CorruptFileError: none there, or not one of ours.
    """
    path = parts / DESCRIPTION
    try:
        return Description.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise CorruptFileError(
            who=str(path),
            expected="the description of an exported model",
            found=f"{type(error).__name__}",
            action="export the model again: python -m components export-model",
        ) from error


def write_manifest(folder: Path) -> None:
    """Write the sha256 of every file of an exported folder; the last thing that is written there."""
    lines = [f"{sha256_path(folder / name)}  {name}\n" for name in _files(folder)]
    write_text(folder / MANIFEST, "".join(lines))


def check_manifest(folder: Path) -> int:
    """Hash every file again.

    Returns:
        How many there are.

    Raises:
        CorruptFileError: a file that is missing or altered, or one more in code or model.
    """
    try:
        lines = (folder / MANIFEST).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise _corrupt(folder / MANIFEST, "the hashes of every file", type(error).__name__) from error
    recorded = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    present = set(_files(folder))
    for name, digest in recorded.items():
        if name not in present:
            raise _corrupt(folder / name, f"sha256 {digest[:12]}…", "no file")
        found = sha256_path(folder / name)
        if found != digest:
            raise _corrupt(folder / name, f"sha256 {digest[:12]}…", f"{found[:12]}…")
    # Beside them a person may keep an environment, or what was made.
    for name in sorted(one for one in present - recorded.keys() if one.startswith(_CLOSED)):
        raise _corrupt(folder / name, "only files that were exported", "one more")
    return len(recorded)


def _files(folder: Path) -> list[str]:
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in found if _IGNORED not in path.parts and path.name != MANIFEST)


def _corrupt(path: Path, expected: str, found: str) -> CorruptFileError:
    return CorruptFileError(
        who=str(path),
        expected=expected,
        found=found,
        action="fetch or export the folder again; nothing was loaded",
    )
