"""``models.rvc``: the three definitions of voice conversion and the checks between their values."""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from components.core.params import Definition, ModelSection
from components.core.params import Section as ParamsSection


class ContentEncoder(ParamsSection):
    """The self-supervised encoder whose features RVC decodes; not interchangeable between checkpoints."""

    label: str = Field(description="the research log's name; no upstream release is called so")
    checkpoint: str = Field(description="hub id or DVC path of the weights that are really used")
    layer: int = Field(ge=1)
    dim: int = Field(gt=0)
    sample_rate_hz: Literal[16000]
    stride: int = Field(gt=0, description="samples per feature frame at 16 kHz: 50 frames/s")


class Architecture(Definition):
    """Network and analysis."""

    sample_rate_hz: int = Field(gt=0)
    n_fft: int = Field(gt=0)
    hop_length: int = Field(gt=0, description="synthesiser hop in samples: 100 frames/s at 32 kHz")
    win_length: int = Field(gt=0)
    n_mels: int = Field(gt=0)
    fmin_hz: float = Field(ge=0)
    fmax_hz: float = Field(gt=0)
    content_encoder: ContentEncoder
    f0_method: Literal["dio", "harvest"]
    f0_frame_period_ms: float = Field(gt=0)
    pitch_bins: int = Field(gt=1)
    speaker_embedding_dim: int = Field(gt=0)
    n_speakers: int = Field(gt=0)
    inter_channels: int = Field(gt=0)
    prior_layers: int = Field(gt=0)
    prior_heads: int = Field(gt=0)
    prior_filter_channels: int = Field(gt=0)
    posterior_layers: int = Field(gt=0)
    flow_blocks: int = Field(gt=0)
    flow_layers: int = Field(gt=0)
    upsample_rates: tuple[int, ...] = Field(strict=False)
    upsample_kernels: tuple[int, ...] = Field(strict=False)
    upsample_initial_channels: int = Field(gt=0)
    resblock_kernels: tuple[int, ...] = Field(strict=False)
    resblock_dilations: tuple[int, ...] = Field(strict=False)
    discriminator_periods: tuple[int, ...] = Field(strict=False)

    @model_validator(mode="after")
    def _rates_agree(self) -> Self:
        if math.prod(self.upsample_rates) != self.hop_length:
            product = math.prod(self.upsample_rates)
            message = f"upsample_rates multiply to {product}, hop_length is {self.hop_length}"
            raise ValueError(message)
        if len(self.upsample_rates) != len(self.upsample_kernels):
            message = (
                f"{len(self.upsample_rates)} upsample_rates but {len(self.upsample_kernels)} upsample_kernels"
            )
            raise ValueError(message)
        hop_ms = 1000 * self.hop_length / self.sample_rate_hz
        if not math.isclose(hop_ms, self.f0_frame_period_ms):
            message = f"f0_frame_period_ms {self.f0_frame_period_ms} is not the hop of {hop_ms} ms"
            raise ValueError(message)
        frames_per_feature = (self.content_encoder.stride / self.content_encoder.sample_rate_hz) / (
            hop_ms / 1000
        )
        if not math.isclose(frames_per_feature, 2.0):
            message = f"content features are repeated twice, but a feature lasts {frames_per_feature} frames"
            raise ValueError(message)
        return self


class Training(Definition):
    """Recipe."""

    batch_size: int = Field(gt=0)
    learning_rate: float = Field(gt=0)
    betas: tuple[float, float] = Field(strict=False)
    eps: float = Field(gt=0)
    lr_decay_per_epoch: float = Field(gt=0, le=1)
    segment_samples: int = Field(gt=0)
    mel_loss_weight: float = Field(ge=0)
    kl_loss_weight: float = Field(ge=0)
    feature_loss_weight: float = Field(ge=0)
    max_steps: int = Field(gt=0)
    precision: Literal["32-true", "bf16-mixed", "16-mixed"]


class Inference(Definition):
    """Conversion."""

    index_rate: float = Field(ge=0, le=1)
    index_neighbours: int = Field(gt=0)
    protect: float = Field(ge=0, le=0.5)
    prior_noise_scale: float = Field(ge=0)
    rms_mix_rate: float = Field(ge=0, le=1)
    transpose_semitones: int


class Section(ModelSection):
    """``models.rvc``."""

    architecture: Architecture
    training: Training
    inference: Inference

    @model_validator(mode="after")
    def _segment_is_whole_frames(self) -> Self:
        if self.training.segment_samples % self.architecture.hop_length:
            message = (
                f"segment_samples {self.training.segment_samples} is no multiple of "
                f"hop_length {self.architecture.hop_length}"
            )
            raise ValueError(message)
        return self
