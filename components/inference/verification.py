"""Whether a media file says that a model made it, and whether it is still what the model made.

A label is a statement, not a signature: whoever can write files can write labels. It tells honest copies from
edited ones; a missing label proves nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from components.core.storage import sha256_path
from components.inference.label import CONTENT, sidecar_of
from components.inference.media_content import content_sha256, inner_label

Finding = Literal["unchanged", "relabelled", "edited", "contradictory", "unverifiable", "unlabelled"]
_HASHES = frozenset({CONTENT, "file", "sha256"})

_TOLD: dict[Finding, tuple[str, str]] = {
    "unchanged": ("labelled as synthetic and unchanged", "합성 매체로 표시되어 있고 변경되지 않았습니다"),
    "relabelled": (
        "labelled as synthetic; its sound or pictures are unchanged, its metadata is not",
        "합성 매체로 표시되어 있습니다. 소리와 화면은 그대로이나 메타데이터가 바뀌었습니다",
    ),
    "edited": (
        "labelled as synthetic, but edited: it is not what the model made",
        "합성 매체로 표시되어 있으나 편집되었습니다. 모델이 만든 내용과 다릅니다",
    ),
    "contradictory": (
        "the label in the file and the one beside it tell different things",
        "파일 안의 표시와 곁의 표시가 서로 다릅니다",
    ),
    "unverifiable": (
        "labelled as synthetic; nothing here tells whether it was edited",
        "합성 매체로 표시되어 있으나 변경 여부를 확인할 정보가 없습니다",
    ),
    "unlabelled": (
        "no label: nothing can be said of where it comes from",
        "표시가 없어 출처를 알 수 없습니다",
    ),
}


@dataclass(frozen=True)
class Verified:
    """What was found.

    Attributes:
        finding: see `verify`.
        label: the fields of the label; empty where there is none.
        details: what differs, in words.
    """

    path: Path
    finding: Finding
    label: Mapping[str, Any]
    details: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Labelled, and its content is what was made."""
        return self.finding in {"unchanged", "relabelled"}

    def lines(self) -> list[str]:
        """The answer in English and Korean, then the label and what differs."""
        english, korean = _TOLD[self.finding]
        shown = [f"  {name}: {self.label[name]}" for name in sorted(self.label) if name not in _HASHES]
        return [f"{self.path.name}: {english}", f"  ({korean})", *shown, *(f"  - {d}" for d in self.details)]


def verify(path: Path) -> Verified:
    """Hold a media file against the label in it and the sidecar beside it.

    Returns:
        unchanged: a label, and every hash there is agrees. relabelled: the content agrees, the file does not.
        edited: the content is another. contradictory: two labels that differ. unverifiable: a label without a
        hash (an mp4 that lost its sidecar). unlabelled.

    Raises:
        DataError: it cannot be read as media.
    """
    inside, beside = inner_label(path), _beside(sidecar_of(path))
    label = {**(inside or {}), **(beside or {})}
    if not label:
        return Verified(path, "unlabelled", {})
    if inside and beside and _statement(inside) != _statement(beside):
        return Verified(path, "contradictory", label, tuple(_differences(inside, beside)))
    recorded = {one[CONTENT] for one in (inside, beside) if one and CONTENT in one}
    if not recorded:
        return Verified(path, "unverifiable", label)
    found = content_sha256(path)
    if recorded != {found}:
        expected = ", ".join(f"{one[:12]}…" for one in sorted(recorded))
        return Verified(path, "edited", label, (f"content {expected} as made, {found[:12]}… now",))
    if inside is None:
        return Verified(
            path, "relabelled", label, ("the label in the file is gone; the one beside it holds",)
        )
    if beside is not None and beside.get("sha256") != sha256_path(path):
        return Verified(path, "relabelled", label, ("the file's bytes differ from those that were written",))
    return Verified(path, "unchanged", label)


def _beside(sidecar: Path) -> Mapping[str, Any] | None:
    try:
        found = json.loads(sidecar.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "digital_source_type" in found else None


def _statement(label: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in label.items() if name not in _HASHES}


def _differences(inside: Mapping[str, Any], beside: Mapping[str, Any]) -> list[str]:
    ours, theirs = _statement(inside), _statement(beside)
    return [
        f"{name}: {ours.get(name)!r} in the file, {theirs.get(name)!r} beside it"
        for name in sorted({*ours, *theirs})
        if ours.get(name) != theirs.get(name)
    ]
