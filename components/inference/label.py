"""What generated media say of themselves (AI 기본법 §31: generated media carry a machine-readable label)."""

from __future__ import annotations

import datetime
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from components.core.errors import DataError
from components.core.storage import sha256_path, write_json

#: The IPTC term for media that a trained model made.
DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
SIDECAR_SUFFIX = ".json"
#: What a player shows as the title.
TITLE = "AI-generated (synthetic) / 인공지능 생성물"
#: Of the samples or packets alone: metadata can be rewritten without changing it.
CONTENT = "content_sha256"


@dataclass(frozen=True)
class MediaLabel:
    """Who made a recording and with whose voice.

    Attributes:
        model: name in params.yaml.
        model_version: of the registry, or the run id of a candidate.
        weights_sha256: of the delivered weights.
        speaker: id of the voice.
        consent: id of the consent record that allows the voice.
        language: what is spoken.
        created: ISO 8601, UTC; "": samples of an evaluation, which are the same bytes whenever they are made.
    """

    model: str
    model_version: str
    weights_sha256: str
    speaker: str
    consent: str
    language: str
    created: str = ""

    def __post_init__(self) -> None:
        empty = [name for name, value in asdict(self).items() if name != "created" and not value.strip()]
        if empty:
            raise DataError(
                who="media label",
                expected="every field filled: unlabelled media are not written",
                found=f"no {', '.join(empty)}",
                action="look the value up in model.json and consent.csv",
            )

    def to_json(self) -> dict[str, Any]:
        """The label as it stands in the file and beside it."""
        fields = {name: value for name, value in asdict(self).items() if value}
        return {**fields, "synthetic": True, "digital_source_type": DIGITAL_SOURCE_TYPE}

    def embedded(self, content_sha256: str = "") -> str:
        """The text for the comment of a RIFF INFO chunk or an MP4 container."""
        known = {CONTENT: content_sha256} if content_sha256 else {}
        return json.dumps({**self.to_json(), **known}, ensure_ascii=False, sort_keys=True)

    def container(self) -> dict[str, str]:
        """The metadata of an MP4 container. Its packets are not known yet when they are written."""
        dated = {"date": self.created} if self.created else {}
        return {"title": TITLE, "comment": self.embedded(), **dated}


def made_now() -> str:
    """The moment, for a label: ISO 8601, UTC, whole seconds."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def sidecar_of(path: Path) -> Path:
    """Where the label of a media file lies: ``<path>.json``."""
    return path.with_name(path.name + SIDECAR_SUFFIX)


def write_sidecar(path: Path, label: MediaLabel, content_sha256: str) -> Path:
    """Write the label of a finished file beside it, with the sha256 of the file and of its content.

    Every generated wav and mp4 goes through here, last: a file without a sidecar was cut off.

    Raises:
        StorageError: no space or no permission.
    """
    sidecar = sidecar_of(path)
    hashes = {CONTENT: content_sha256, "file": path.name, "sha256": sha256_path(path)}
    write_json(sidecar, {**label.to_json(), **hashes})
    return sidecar
