"""``models.vallex``: the three definitions of the codec language model and the checks between them."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from components.core.params import Definition, ModelKind, ModelSection
from components.core.utterance import Language


class Architecture(Definition):
    """Network, tokenizer and codec."""

    languages: tuple[Language, ...] = Field(strict=False, description="order is part of a checkpoint")
    text_vocabulary: int = Field(gt=0)
    context_tokens: int = Field(
        gt=0, description="acoustic tokens of the first codebook; text is counted apart"
    )
    context_seconds: float = Field(gt=0)
    codec: str
    codec_sample_rate_hz: int = Field(gt=0)
    codec_frame_rate_hz: int = Field(gt=0)
    n_codebooks: int = Field(gt=0)
    codebook_size: int = Field(gt=0)
    d_model: int = Field(gt=0)
    n_heads: int = Field(gt=0)
    n_layers: int = Field(gt=0)
    ffn_dim: int = Field(gt=0)
    dropout: float = Field(ge=0, lt=1)

    @model_validator(mode="after")
    def _context_agrees(self) -> Self:
        if len(set(self.languages)) != len(self.languages):
            message = f"languages repeat: {self.languages}"
            raise ValueError(message)
        if self.d_model % self.n_heads:
            message = f"d_model {self.d_model} is no multiple of n_heads {self.n_heads}"
            raise ValueError(message)
        seconds = self.context_tokens / self.codec_frame_rate_hz
        if abs(seconds - self.context_seconds) > 0.5 / self.codec_frame_rate_hz:
            message = (
                f"context_tokens {self.context_tokens} last {seconds:.3f} s, not {self.context_seconds} s"
            )
            raise ValueError(message)
        return self


class Training(Definition):
    """Recipe."""

    batch_size: int = Field(gt=0)
    max_tokens_per_batch: int = Field(gt=0, description="bounds memory; items alone do not")
    learning_rate: float = Field(gt=0)
    betas: tuple[float, float] = Field(strict=False)
    warmup_steps: int = Field(ge=0)
    max_steps: int = Field(gt=0)
    prompt_max_frames: int = Field(gt=0)
    gradient_checkpointing: bool
    precision: Literal["32-true", "bf16-mixed", "16-mixed"]


class Inference(Definition):
    """Sampling: temperature, then top-k, then top-p."""

    temperature_start: float = Field(gt=0)
    temperature_end: float = Field(gt=0)
    anneal_steps: int = Field(gt=0, description="decode steps from start to end; then held")
    top_k: int = Field(gt=0)
    top_p: float = Field(gt=0, le=1)
    min_new_tokens: int = Field(ge=1, description="end of sequence is forbidden before")

    @model_validator(mode="after")
    def _temperature_falls(self) -> Self:
        if self.temperature_start < self.temperature_end:
            message = f"temperature rises from {self.temperature_start} to {self.temperature_end}"
            raise ValueError(message)
        return self


class Section(ModelSection):
    """``models.vallex``."""

    kind: ClassVar[ModelKind] = "text_to_speech"

    architecture: Architecture
    training: Training
    inference: Inference
