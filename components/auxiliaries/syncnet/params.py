"""``auxiliaries.syncnet``: the network that hears whether lips and sound belong together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from components.core.params import AuxiliarySection, MelSection, TrainingRun, differences
from components.core.params import Section as ParamsSection


class Architecture(MelSection):
    """Two towers of convolutions. Mel, windows and image size are those of ``models.wav2lip``."""

    image_size: int = Field(gt=0, description="pixels of a crop; the lower half is looked at")
    fps: int = Field(gt=0)
    preemphasis: float = Field(ge=0, lt=1)
    mel_window_frames: int = Field(gt=0)
    video_window_frames: int = Field(gt=0)
    face_channels: tuple[int, ...] = Field(
        strict=False, min_length=2, description="of the stem and of each halving after it"
    )
    face_stem_stride: Literal[1, 2] = Field(description="2: a quarter of the work at the finest map")
    audio_channels: tuple[int, ...] = Field(strict=False, min_length=4, max_length=4)
    blocks: int = Field(ge=0, description="residual convolutions at each size")
    embedding_dim: int = Field(gt=0)

    @model_validator(mode="after")
    def _windows_agree(self) -> Self:
        if self.image_size % 32:
            message = f"image_size {self.image_size} is no multiple of 32"
            raise ValueError(message)
        heard = self.mel_window_frames * self.hop_length / self.sample_rate_hz
        seen = self.video_window_frames / self.fps
        if not math.isclose(heard, seen):
            message = (
                f"{self.mel_window_frames} mel frames last {heard} s, "
                f"{self.video_window_frames} video frames {seen} s"
            )
            raise ValueError(message)
        if self.image_size // 2 // self.face_stem_stride < 2 ** (len(self.face_channels) - 2):
            message = f"{len(self.face_channels) - 1} halvings are too many for {self.image_size} pixels"
            raise ValueError(message)
        return self


class Plateau(ParamsSection):
    """When a training that guesses (ln 2) is stopped, with the statistics of its data."""

    after_steps: int = Field(gt=0)
    margin: float = Field(gt=0, description="nats below ln 2 that count as learning")
    memory_steps: int = Field(gt=0, description="over which the loss is averaged")


class Training(TrainingRun):
    """Recipe."""

    windows_per_clip: int = Field(gt=1, description="drawn of a clip in one visit; all their pairs count")
    min_shift_frames: int = Field(gt=0, description="a wrong pair is at least so many video frames apart")
    choice_weight: float = Field(
        ge=0, le=1, description="of choosing among a clip's sounds; the rest is pairs"
    )
    choice_scale: float = Field(gt=0, description="cosines are multiplied by it before they are chosen from")
    validation_clips: int = Field(gt=0)
    eps: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    warmup_steps: int = Field(ge=0)
    gradient_clip_norm: float = Field(gt=0)
    warm_start: bool = Field(description="go on from the weights in pretrained/, where there are some")
    plateau: Plateau


class Section(AuxiliarySection):
    """``auxiliaries.syncnet``, and of the same form ``auxiliaries.sync_judge``."""

    architecture: Architecture
    training: Training

    def misfit(self, card: Mapping[str, Any] | None) -> tuple[str, str] | None:
        """See the base; all dimensions count."""
        asked = self.architecture.model_dump(mode="json")
        if card is None:
            return f"{self.architecture.image_size} pixels", "none"
        given = card["architecture"]
        return differences({**dict.fromkeys(given), **asked}, given)
