"""``models.fastpitch``: the three definitions of text-to-speech and the checks between their values."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from components.core.params import Definition, LimitedOutput, MelSection, ModelKind, ModelSection, TrainingRun
from components.core.params import Section as ParamsSection


class PitchRelativeAttention(ParamsSection):
    """Self-attention with clipped relative keys (Shaw et al. 2018) in front of the pitch predictor."""

    heads: int = Field(gt=0)
    head_dim: int = Field(gt=0)
    max_distance: int = Field(gt=0, description="symbols; beyond it distances are clipped")


class Aligner(ParamsSection):
    """Learns the durations; also what aligns a recording with its text later."""

    kernel: int = Field(gt=0, description="of the convolution over symbols, odd")
    temperature: float = Field(gt=0, description="factor of the squared distance of standardised mel frames")
    prior_scale: float = Field(gt=0, description="of the beta-binomial prior; larger is narrower")
    blank_log_prob: float = Field(description="of the blank in the forward sum")


class Architecture(MelSection, Definition):
    """Network and analysis."""

    d_model: int = Field(gt=0)
    encoder_layers: int = Field(gt=0)
    decoder_layers: int = Field(gt=0)
    n_heads: int = Field(gt=0)
    head_dim: int = Field(gt=0)
    ffn_dim: int = Field(gt=0)
    ffn_kernel: int = Field(gt=0)
    predictor_channels: int = Field(gt=0)
    predictor_kernel: int = Field(gt=0)
    predictor_layers: int = Field(gt=0)
    pitch_relative_attention: PitchRelativeAttention
    aligner: Aligner
    speaker_embedding_dim: int = Field(gt=0)
    speaker_conditioning: Literal["conditional_layer_norm"]
    dropout: float = Field(ge=0, lt=1)

    @model_validator(mode="after")
    def _kernels_keep_the_length(self) -> Self:
        kernels = {
            "ffn_kernel": self.ffn_kernel,
            "predictor_kernel": self.predictor_kernel,
            "aligner.kernel": self.aligner.kernel,
        }
        for name, kernel in kernels.items():
            if kernel % 2 == 0:
                message = f"{name} must be odd to keep the length"
                raise ValueError(message)
        return self


class Training(TrainingRun, Definition):
    """Recipe."""

    optimiser: Literal["adamw"]
    eps: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    warmup_steps: int = Field(ge=0)
    gradient_clip_norm: float = Field(gt=0)
    phoneme_dropout: float = Field(ge=0, lt=1)
    duration_loss_weight: float = Field(ge=0)
    pitch_loss_weight: float = Field(ge=0)
    energy_loss_weight: float = Field(ge=0)
    contour_loss_weight: float = Field(ge=0, description="of f0 frame by frame")
    voicing_loss_weight: float = Field(ge=0, description="of voiced or not, frame by frame")
    aligner_loss_weight: float = Field(ge=0, description="of the forward sum")
    aligner_fit_weight: float = Field(ge=0, description="of each frame's distance from its symbol's key")
    aligner_binarisation_weight: float = Field(ge=0, description="once warmed up")
    aligner_binarisation_start_step: int = Field(ge=0)
    aligner_binarisation_warmup_steps: int = Field(
        ge=0, description="from its start, over which the weight rises from 0"
    )
    gradient_checkpointing: bool = Field(description="blocks are computed again in the backward pass")
    warm_start: bool


class Inference(LimitedOutput, Definition):
    """Synthesis."""

    pace: float = Field(gt=0, description="1: as trained; 2: twice as fast")
    max_frames_per_symbol: int = Field(gt=0)
    max_symbols: int = Field(gt=0, description="of one utterance; longer text is refused")


class Section(ModelSection):
    """``models.fastpitch``."""

    kind: ClassVar[ModelKind] = "text_to_speech"

    architecture: Architecture
    training: Training
    inference: Inference

    def served_by(self) -> tuple[str, ...]:
        """Its mel is heard through a vocoder."""
        return ("vocoder",)
