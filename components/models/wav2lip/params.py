"""``models.wav2lip``: the three definitions of lip sync and the checks between their values."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from components.core.params import Definition, MelSection, ModelKind, ModelSection
from components.core.params import Section as ParamsSection


class VisualEncoder(ParamsSection):
    """The Swin Transformer V2 that reads the face."""

    kind: Literal["swinv2-base", "swinv2-tiny"]
    checkpoint: str
    embed_dim: int = Field(gt=0)
    depths: tuple[int, ...] = Field(strict=False)
    heads: tuple[int, ...] = Field(strict=False)

    @model_validator(mode="after")
    def _stages_agree(self) -> Self:
        if len(self.depths) != len(self.heads):
            message = f"{len(self.depths)} depths but {len(self.heads)} heads"
            raise ValueError(message)
        return self


class Architecture(MelSection, Definition):
    """Network and analysis."""

    image_size: int = Field(gt=0, description="pixels, square")
    fps: int = Field(gt=0)
    preemphasis: float = Field(ge=0, lt=1)
    mel_window_frames: int = Field(gt=0)
    video_window_frames: int = Field(gt=0)
    visual_encoder: VisualEncoder
    conformer_blocks: int = Field(ge=0)
    conformer_kernel: int = Field(gt=0)
    conformer_heads: int = Field(gt=0)

    @model_validator(mode="after")
    def _windows_agree(self) -> Self:
        if self.image_size % 32:
            message = f"image_size {self.image_size} is no multiple of 32"
            raise ValueError(message)
        mel_rate = self.sample_rate_hz / self.hop_length
        if not math.isclose(self.mel_window_frames / mel_rate, self.video_window_frames / self.fps):
            message = (
                f"{self.mel_window_frames} mel frames last {self.mel_window_frames / mel_rate} s, "
                f"{self.video_window_frames} video frames {self.video_window_frames / self.fps} s"
            )
            raise ValueError(message)
        if self.conformer_kernel > self.mel_window_frames:
            message = f"conformer_kernel {self.conformer_kernel} exceeds {self.mel_window_frames} frames"
            raise ValueError(message)
        return self


class Training(Definition):
    """Recipe."""

    batch_size: int = Field(gt=0)
    learning_rate: float = Field(gt=0)
    betas: tuple[float, float] = Field(strict=False)
    sync_loss_weight: float = Field(ge=0, le=1)
    sync_loss_start_eval: float = Field(gt=0, description="sync loss joins once its evaluation is below")
    adversarial_loss_weight: float = Field(ge=0, le=1)
    syncnet_eval_max: float = Field(gt=0, description="the generator does not start above")
    max_steps: int = Field(gt=0)
    precision: Literal["32-true", "bf16-mixed", "16-mixed"]


class Inference(Definition):
    """Rendering."""

    batch_frames: int = Field(gt=0)
    pad_pixels: tuple[int, int, int, int] = Field(strict=False, description="top, bottom, left, right")


class Section(ModelSection):
    """``models.wav2lip``."""

    kind: ClassVar[ModelKind] = "lip_sync"

    architecture: Architecture
    training: Training
    inference: Inference
