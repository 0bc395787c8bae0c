"""What generated audio says of itself (AI 기본법 §31: generated media carry a machine-readable label)."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from components.core.errors import DataError

#: The IPTC term for media that a trained model made.
DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


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
    """

    model: str
    model_version: str
    weights_sha256: str
    speaker: str
    consent: str
    language: str

    def __post_init__(self) -> None:
        empty = [name for name, value in asdict(self).items() if not value.strip()]
        if empty:
            raise DataError(
                who="media label",
                expected="every field filled: unlabelled media are not written",
                found=f"no {', '.join(empty)}",
                action="look the value up in model.json and consent.csv",
            )

    def to_json(self) -> dict[str, str]:
        """The label as it stands in the file and beside it."""
        return {**asdict(self), "digital_source_type": DIGITAL_SOURCE_TYPE}
