"""``data.video``: what is asked of videos, and the faces that the embedded run draws."""

from __future__ import annotations

from pydantic import Field

from components.core.params.base import Section


class VideoGate(Section):
    """What a set of videos must have before anything learns from it."""

    max_offset_frames: float = Field(ge=0, description="between sound and pictures, video frames")
    min_speakers: int = Field(gt=0, description="of the training split; few faces are learned by heart")
    min_minutes: float = Field(ge=0, description="of the training split")
    min_face_share: float = Field(ge=0, le=1, description="frames with a face, bridged ones included")


class DrawnFaces(Section):
    """The procedural talking face of the embedded run."""

    frame_pixels: int = Field(ge=64, description="side of the square frame around the face")
    identities: int = Field(gt=0, description="drawn people of each role")
    max_minutes: float = Field(gt=0, description="of each role and split; clips are left out evenly")


class VideoParams(Section):
    """Videos as data."""

    fps: int = Field(gt=0)
    max_gap_frames: int = Field(ge=0, description="a face lost for so long is bridged, else the frames go")
    detector: str = Field(description="file of YuNet's weights; empty: faces are known or not found")
    pad_pixels: tuple[int, int, int, int] = Field(strict=False, description="top, bottom, left, right")
    gate: VideoGate
    drawn: DrawnFaces
