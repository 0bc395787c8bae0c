"""``models.rvc``: the three definitions of voice conversion and the checks between their values."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from components.auxiliaries.vocoder.params import SourceFilterSynthesis
from components.core.params import Definition, LimitedOutput, MelSection, ModelKind, ModelSection, TrainingRun
from components.core.params import Section as ParamsSection
from components.nn.discriminator_params import DiscriminatorParams

_SHIPPED_ENCODER = "pretrained/content"
FRAMES_PER_FEATURE = 2
"""A content feature lasts 20 ms, a frame of the synthesiser 10 ms."""


class ContentEncoder(ParamsSection):
    """The self-supervised encoder whose features RVC decodes; not interchangeable between checkpoints."""

    label: str = Field(description="the research log's name; no upstream release is called so")
    checkpoint: str = Field(description="hub id or DVC path of the weights that are really used")
    layer: int = Field(ge=1)
    dim: int = Field(gt=0)
    sample_rate_hz: Literal[16000]
    stride: int = Field(gt=0, description="samples per feature frame at 16 kHz: 50 frames/s")


class SpectralDecoder(ParamsSection):
    """A decoder that ends in a mel and leaves the samples to a source-filter synthesis; see ADR 26."""

    channels: int = Field(gt=0)
    layers: int = Field(gt=0)
    kernel: int = Field(gt=0, description="frames, odd")
    expansion: int = Field(gt=0, description="hidden channels of a block, times channels")
    judge_channels: tuple[int, ...] = Field(min_length=1, strict=False)
    synthesis: SourceFilterSynthesis

    @model_validator(mode="after")
    def _keeps_the_length(self) -> Self:
        if self.kernel % 2 == 0:
            message = f"kernel {self.kernel} must be odd to keep the length"
            raise ValueError(message)
        return self


class Architecture(MelSection, Definition):
    """Network and analysis."""

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
    discriminators: DiscriminatorParams
    spectral_decoder: SpectralDecoder | None = Field(
        description="in place of upsampling to samples and of the judges over them; null: RVC as published"
    )

    @model_validator(mode="after")
    def _rates_agree(self) -> Self:
        if math.prod(self.upsample_rates) != self.hop_length:
            product = math.prod(self.upsample_rates)
            message = f"upsample_rates multiply to {product}, hop_length is {self.hop_length}"
            raise ValueError(message)
        hop_ms = 1000 * self.hop_length / self.sample_rate_hz
        if not math.isclose(hop_ms, self.f0_frame_period_ms):
            message = f"f0_frame_period_ms {self.f0_frame_period_ms} is not the hop of {hop_ms} ms"
            raise ValueError(message)
        encoder = self.content_encoder
        frames = encoder.stride / encoder.sample_rate_hz / (hop_ms / 1000)
        if not math.isclose(frames, FRAMES_PER_FEATURE):
            message = f"content features are repeated twice, but a feature lasts {frames} frames"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _upsampling_fits(self) -> Self:
        if len(self.upsample_rates) != len(self.upsample_kernels):
            message = (
                f"{len(self.upsample_rates)} upsample_rates but {len(self.upsample_kernels)} upsample_kernels"
            )
            raise ValueError(message)
        for rate, kernel in zip(self.upsample_rates, self.upsample_kernels, strict=True):
            if kernel < rate or (kernel - rate) % 2:
                message = f"an upsample kernel of {kernel} cannot multiply the length by {rate} exactly"
                raise ValueError(message)
        if self.upsample_initial_channels % 2 ** len(self.upsample_rates):
            message = (
                f"{self.upsample_initial_channels} channels cannot be halved {len(self.upsample_rates)} times"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _channels_divide(self) -> Self:
        if self.inter_channels % 2:
            message = f"the flow parts inter_channels in two, but {self.inter_channels} is odd"
            raise ValueError(message)
        if self.inter_channels % self.prior_heads:
            message = f"inter_channels {self.inter_channels} is no multiple of prior_heads {self.prior_heads}"
            raise ValueError(message)
        return self


class Slicing(ParamsSection):
    """How recordings of any length become slices."""

    highpass_hz: float = Field(gt=0, description="rumble below it is taken out, in conversion as well")
    silence_db: float = Field(lt=0, description="below a recording's loudest 10 ms")
    min_silence_s: float = Field(gt=0, description="a shorter pause parts nothing")
    keep_silence_s: float = Field(ge=0, description="kept of a pause, at either side")
    min_slice_s: float = Field(gt=0)
    max_slice_s: float = Field(gt=0)
    overlap_s: float = Field(ge=0, description="of slices out of one long stretch")

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        if not self.min_slice_s + self.overlap_s < self.max_slice_s:
            message = f"max_slice_s {self.max_slice_s} must exceed min_slice_s + overlap_s"
            raise ValueError(message)
        return self


class Training(TrainingRun, Definition):
    """Recipe."""

    eps: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    lr_decay_per_epoch: float = Field(gt=0, le=1)
    segment_samples: int = Field(gt=0)
    stretch_frames: int = Field(gt=0, description="frames of a slice that a sample holds at most")
    mel_loss_weight: float = Field(ge=0)
    kl_loss_weight: float = Field(ge=0)
    prior_mel_loss_weight: float = Field(ge=0, description="of what the prior alone makes; spectral decoder")
    feature_loss_weight: float = Field(ge=0)
    slicing: Slicing
    content_speeds: tuple[float, ...] = Field(
        min_length=1,
        strict=False,
        description="at which a slice is heard for its content, as other voices would say it; 1 comes first",
    )
    speaker_balance: float = Field(
        ge=0,
        le=1,
        description="1: a voice of few recordings is heard as often as any; 0: each slice once",
    )
    index_centroids: int = Field(gt=0, description="content features a speaker is delivered with, at most")
    warm_start: bool

    @model_validator(mode="after")
    def _speeds_are_speeds(self) -> Self:
        if self.content_speeds[0] != 1.0 or min(self.content_speeds) <= 0:
            message = f"content_speeds {self.content_speeds} must begin with 1.0 and be positive"
            raise ValueError(message)
        return self


class Inference(LimitedOutput, Definition):
    """Conversion."""

    index_rate: float = Field(ge=0, le=1)
    index_neighbours: int = Field(gt=0)
    protect: float = Field(ge=0, le=0.5)
    prior_noise_scale: float = Field(ge=0)
    rms_mix_rate: float = Field(ge=0, le=1)
    rms_window_s: float = Field(gt=0, description="over which loudness is measured")
    transpose_semitones: int
    automatic_key: bool = Field(description="move the source's median pitch to the target's besides")
    chunk_s: float = Field(gt=0, description="of a stream; a listener waits for it")
    file_chunk_s: float = Field(gt=0, description="of a file; bounds the memory")
    context_s: float = Field(ge=0, description="heard again before each chunk")
    lookahead_s: float = Field(gt=0, description="heard beyond each chunk; a listener waits for it")
    crossfade_s: float = Field(ge=0, description="of a chunk's end with the next one's beginning")

    @model_validator(mode="after")
    def _chunks_fit(self) -> Self:
        if self.crossfade_s > min(self.lookahead_s, self.chunk_s, self.file_chunk_s):
            message = f"crossfade_s {self.crossfade_s} must fit into lookahead_s and chunk_s"
            raise ValueError(message)
        return self


class Section(ModelSection):
    """``models.rvc``."""

    kind: ClassVar[ModelKind] = "voice_conversion"
    features_need: ClassVar[tuple[str, ...]] = ("content",)

    architecture: Architecture
    training: Training
    inference: Inference

    @model_validator(mode="after")
    def _segment_is_whole_frames(self) -> Self:
        segment, hop = self.training.segment_samples, self.architecture.hop_length
        if segment % hop:
            message = f"segment_samples {segment} is no multiple of hop_length {hop}"
            raise ValueError(message)
        if self.training.stretch_frames < segment // hop:
            message = f"stretch_frames {self.training.stretch_frames} is shorter than a segment"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _chunks_are_whole_features(self) -> Self:
        encoder = self.architecture.content_encoder
        for name in ("chunk_s", "file_chunk_s", "context_s", "lookahead_s", "crossfade_s"):
            features = getattr(self.inference, name) * encoder.sample_rate_hz / encoder.stride
            if not math.isclose(features, round(features), abs_tol=1e-6):
                message = f"{name} is no multiple of a content feature's {encoder.stride} samples"
                raise ValueError(message)
        return self

    def served_by(self) -> tuple[str, ...]:
        """It hears with the content encoder of ``pretrained/``, unless another checkpoint is named."""
        return ("content",) if self.architecture.content_encoder.checkpoint == _SHIPPED_ENCODER else ()
