"""``models.vallex``: the three definitions of the codec language model and the checks between them."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from components.core.params import Definition, LimitedOutput, ModelKind, ModelSection, TrainingRun
from components.core.params import Section as ParamsSection
from components.core.utterance import Language

_SHIPPED_CODEC = "pretrained/codec"


class Pacing(ParamsSection):
    """Durations are told before the codes, and each frame is shown its symbols; see `pacing.Guide`."""

    layers: int = Field(gt=0, description="of the convolutions that tell durations")
    kernel: int = Field(gt=0, description="symbols, odd")

    @model_validator(mode="after")
    def _odd(self) -> Self:
        if self.kernel % 2 == 0:
            message = f"kernel {self.kernel} must be odd to keep the length"
            raise ValueError(message)
        return self


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
    n_codebooks: int = Field(gt=1)
    codebook_size: int = Field(gt=0)
    d_model: int = Field(gt=0)
    n_heads: int = Field(gt=0)
    n_layers: int = Field(gt=0)
    ffn_dim: int = Field(gt=0)
    dropout: float = Field(ge=0, lt=1)
    pacing: Pacing | None = Field(description="null: alignment is left to attention, as the paper has it")

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


class Training(TrainingRun, Definition):
    """Recipe of both language models; they take turns in each step."""

    max_tokens_per_batch: int = Field(
        gt=0,
        description="text and audio of a forward pass, padding included; items alone do not bound memory",
    )
    eps: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    warmup_steps: int = Field(ge=0)
    gradient_clip_norm: float = Field(gt=0)
    prompt_max_frames: int = Field(gt=0, description="of a random prefix as the NAR's acoustic prompt")
    pair_share: float = Field(
        ge=0,
        le=1,
        description="of samples that begin with another utterance of the speaker; the paper has none",
    )
    misheard_share: float = Field(
        ge=0, lt=1, description="of the codes that the AR hears in training, replaced by any other; paper: 0"
    )
    nar_share: float = Field(gt=0, le=1, description="of a step's samples that the NAR learns from; paper: 1")
    pace_loss_weight: float = Field(ge=0, description="of the durations; without meaning without pacing")
    gradient_checkpointing: bool
    warm_start: bool = Field(description="begin from the champion, else from pretrained/")


class Repetition(ParamsSection):
    """Repetition-aware sampling (VALL-E 2)."""

    window: int = Field(gt=0, description="codes that are looked back at")
    max_share: float = Field(gt=0, le=1, description="of one code among them; beyond, it is drawn anew")


class Loop(ParamsSection):
    """When the same is said over and over."""

    window: int = Field(gt=1, description="codes that repeat themselves")
    max_period: int = Field(gt=0, description="codes after which they do, at most")
    min_share: float = Field(gt=0, le=1, description="of codes that equal the one a period before")


class Prompt(ParamsSection):
    """What a voice is given by."""

    min_s: float = Field(gt=0)
    max_s: float = Field(gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_s >= self.max_s:
            message = f"min_s {self.min_s} must lie below max_s {self.max_s}"
            raise ValueError(message)
        return self


class Streaming(ParamsSection):
    """Frames of codes that are made audible at a time."""

    first_chunk_frames: int = Field(gt=0, description="small: the first audio waits for it")
    chunk_frames: int = Field(gt=0)


class TimbreLimits(Definition):
    """Of what the codec's copy of a prompt loses on average; see `components.nn.timbre`."""

    none_below: float = Field(ge=0, description="nepers up to which speech is left as the codes have it")
    whole_above: float = Field(gt=0, description="nepers from which its average is the prompt's")
    network: Literal["", "pretrained/timbre"] = Field(
        default="", description="what hears the prompt and follows it frame by frame; empty: averages alone"
    )
    spread: float = Field(
        default=0.0, ge=0, le=1, description="share of each band's way to the prompt's spread, with a network"
    )

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.none_below >= self.whole_above:
            message = f"none_below {self.none_below} is not below whole_above {self.whole_above}"
            raise ValueError(message)
        return self


class Inference(LimitedOutput, Definition):
    """Sampling: temperature, then top-k, then top-p."""

    temperature_start: float = Field(gt=0)
    temperature_end: float = Field(gt=0)
    anneal_steps: int = Field(gt=0, description="decode steps from start to end; then held")
    top_k: int = Field(gt=0)
    top_p: float = Field(gt=0, le=1)
    min_new_tokens: int = Field(ge=1, description="end of sequence is forbidden before")
    max_tokens_per_symbol: float = Field(
        gt=0, description="of the text; speech that has not ended by then is cut"
    )
    max_symbols: int = Field(gt=1, description="of a piece of text spoken at once; longer ones are parted")
    expected: bool = Field(
        description="sound is the mean over codes by their probabilities; false: of those drawn"
    )
    timbre: TimbreLimits | None = Field(description="null: speech is left as the codes have it")
    repetition: Repetition
    loop: Loop
    prompt: Prompt
    streaming: Streaming

    @model_validator(mode="after")
    def _temperature_falls(self) -> Self:
        if self.temperature_start < self.temperature_end:
            message = f"temperature rises from {self.temperature_start} to {self.temperature_end}"
            raise ValueError(message)
        return self


class Section(ModelSection):
    """``models.vallex``."""

    kind: ClassVar[ModelKind] = "prompted_speech"
    features_need: ClassVar[tuple[str, ...]] = ("codec",)

    architecture: Architecture
    training: Training
    inference: Inference

    @model_validator(mode="after")
    def _prompt_leaves_room(self) -> Self:
        frames = self.inference.prompt.max_s * self.architecture.codec_frame_rate_hz
        if frames + self.inference.min_new_tokens >= self.architecture.context_tokens:
            message = (
                f"a prompt of {self.inference.prompt.max_s} s fills context_tokens "
                f"{self.architecture.context_tokens}: nothing could be said after it"
            )
            raise ValueError(message)
        return self

    def served_by(self) -> tuple[str, ...]:
        """It speaks through the codec of ``pretrained/``, unless another checkpoint is named."""
        if self.architecture.codec != _SHIPPED_CODEC:
            return ()
        timbre = self.inference.timbre
        return ("codec", "timbre") if timbre and timbre.network else ("codec",)
