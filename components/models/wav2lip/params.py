"""``models.wav2lip``: the three definitions of lip sync and the checks between their values."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from components.core.params import Definition, MelSection, ModelKind, ModelSection, TrainingRun
from components.core.params import Section as ParamsSection

_STAGES = 4
_SIZES = _STAGES + 2
"""Maps of the decoder: SwinV2's, and the two finer ones of the convolutional stem."""


class VisualEncoder(ParamsSection):
    """The Swin Transformer V2 that reads the face."""

    kind: Literal["swinv2-base", "swinv2-tiny"]
    checkpoint: str = Field(description="published weights of three channels; empty: drawn")
    window: int = Field(gt=0, description="side of the attention windows, patches; a smaller map shrinks it")
    embed_dim: int = Field(gt=0)
    depths: tuple[int, ...] = Field(strict=False)
    heads: tuple[int, ...] = Field(strict=False)

    @model_validator(mode="after")
    def _stages_agree(self) -> Self:
        if len(self.depths) != _STAGES:
            message = f"{len(self.depths)} stages, SwinV2 has {_STAGES} here"
            raise ValueError(message)
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
    conformer_dim: int = Field(gt=0)
    audio_encoder: Literal["conformer", "syncnet"] = Field(
        description="syncnet: the frozen audio tower of the SyncNet that teaches"
    )
    audio_channels: tuple[int, int, int] = Field(strict=False)
    audio_dim: int = Field(gt=0, description="of the vector that a window of speech becomes")
    decoder_channels: tuple[int, ...] = Field(
        strict=False, min_length=_SIZES, max_length=_SIZES, description="at S, S/2 … S/32"
    )
    decoder_top: Literal["convolution", "shuffle"] = Field(
        "convolution",
        description="shuffle: four pixels are the channels of one at S/2; no map has the size S",
    )
    decoder_rows: Literal["all", "lower"] = Field(
        "all",
        description="lower: the decoder paints the lower half alone; the upper one is the given frame's",
    )
    judge_channels: tuple[int, ...] = Field(strict=False, min_length=1)

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
        if self.conformer_dim % self.conformer_heads or self.conformer_kernel % 2 == 0:
            message = (
                f"conformer_dim {self.conformer_dim} must be a multiple of the {self.conformer_heads} heads, "
                f"conformer_kernel {self.conformer_kernel} odd"
            )
            raise ValueError(message)
        if self.conformer_kernel > self.mel_window_frames:
            message = f"conformer_kernel {self.conformer_kernel} exceeds {self.mel_window_frames} frames"
            raise ValueError(message)
        return self


class Training(TrainingRun, Definition):
    """Recipe; a step learns from ``batch_size`` windows of five frames, and single frames beside them."""

    single_frames: int = Field(
        ge=0, description="of other clips beside every window: they teach the picture, the window its lips"
    )
    mouth_weight: float = Field(ge=1, description="of the mouth's pixels in the reconstruction; 1: all alike")
    sync_loss_weight: float = Field(ge=0, le=1)
    sync_loss_start_eval: float = Field(gt=0, description="sync loss joins once its running mean is below")
    sync_loss_memory_steps: int = Field(gt=0, description="of that mean")
    sync_shift_pixels: int = Field(
        ge=0,
        description="made windows reach SyncNet moved by up to so much, so that none pleases it by a pixel",
    )
    adversarial_loss_weight: float = Field(ge=0, le=1)
    syncnet_eval_max: float = Field(gt=0, description="the generator does not start above")
    syncnet_accuracy_min: float = Field(ge=0, le=1, description="nor below")
    finetune_syncnet: bool = Field(description="it goes on learning beside the generator")
    reference_min_frames: int = Field(
        gt=0, description="the reference is at least so far from the target, or the mouth is copied"
    )
    reference_max_frames: int = Field(
        gt=0,
        description="and at most so far, where the clip has such frames: the head stays, the mouth moves",
    )
    validation_clips: int = Field(gt=0)
    eps: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    warmup_steps: int = Field(ge=0)
    gradient_clip_norm: float = Field(gt=0)
    warm_start: bool

    @model_validator(mode="after")
    def _weights_leave_a_rest(self) -> Self:
        if self.sync_loss_weight + self.adversarial_loss_weight >= 1:
            message = "sync_loss_weight and adversarial_loss_weight leave nothing for the reconstruction"
            raise ValueError(message)
        return self


class Inference(Definition):
    """Rendering."""

    batch_frames: int = Field(gt=0)
    cpu_threads: int = Field(
        ge=0,
        description="of a CPU that renders; 0: as torch has it. a small network's wait for each other",
    )
    feather: float = Field(ge=0, lt=0.5, description="share of the crop over which what is pasted fades out")
    quality: int = Field(ge=0, le=51, description="constant rate factor of H.264; lower is better")
    pad_pixels: tuple[int, int, int, int] = Field(strict=False, description="top, bottom, left, right")


class Section(ModelSection):
    """``models.wav2lip``."""

    kind: ClassVar[ModelKind] = "lip_sync"
    learns_from: ClassVar[str] = "syncnet"

    architecture: Architecture
    training: Training
    inference: Inference
