"""``auxiliaries.recogniser``: how it hears, what it is made of and what it learns from."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from components.core.params import AuxiliarySection, MelSection, TrainingRun
from components.core.params import Section as ParamsSection
from components.core.utterance import Language


class Span(ParamsSection):
    """A range that numbers are drawn from, both ends included."""

    min: float
    max: float

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min > self.max:
            message = f"min {self.min} lies above max {self.max}"
            raise ValueError(message)
        return self


class Hearing(MelSection):
    """Samples → normalised log-mel frames."""

    range_nepers: float = Field(gt=0, description="log amplitude kept below a clip's loudest value")
    speech_nepers: float = Field(gt=0, description="frames this close to the loudest count for the mean")
    f0_floor_hz: float = Field(gt=0, description="of the pitch that Mandarin tones are heard from")
    f0_ceil_hz: float = Field(gt=0)


class ToneBranch(ParamsSection):
    """Hears Mandarin tones from pitch and from what the blocks found."""

    tones: int = Field(gt=0)
    channels: int = Field(gt=0)
    hidden: int = Field(gt=0)
    blocks: int = Field(gt=0)


class Architecture(ParamsSection):
    """Analysis and network."""

    hearing: Hearing
    channels: int = Field(gt=0)
    hidden: int = Field(gt=0, description="width inside a block")
    blocks: int = Field(gt=0)
    kernel: int = Field(gt=0, description="of a block's depthwise convolution, in output frames")
    stem_kernel: int = Field(gt=0)
    stride: int = Field(gt=0, description="mel frames per output frame")
    squeeze: int = Field(gt=0, description="width of the squeeze-excite bottleneck")
    dropout: float = Field(ge=0, lt=1)
    tone_branch: ToneBranch

    @model_validator(mode="after")
    def _kernels_are_odd(self) -> Self:
        for name in ("kernel", "stem_kernel"):
            if getattr(self, name) % 2 == 0:
                message = f"{name} must be odd to keep the length"
                raise ValueError(message)
        return self


class Reference(ParamsSection):
    """The reference speech that is rendered for it."""

    utterances: dict[Language, int] = Field(description="training utterances of each language")
    held_out_utterances: int = Field(gt=0, description="of each language and held-out part")
    made_up_share: float = Field(ge=0, le=1, description="of texts that are no sentences of the corpus")
    words_per_minute: Span
    pitch: Span = Field(description="espeak-ng pitch, 0-99; 50 is the variant's own")
    pitch_range: Span = Field(description="espeak-ng pitch range, 0-99")
    silence_s: Span = Field(description="before and after the speech")


class Augmentation(ParamsSection):
    """What is done to a training mel; shares are probabilities."""

    warp: Span = Field(description="factor on the frequency axis, drawn evenly in its logarithm")
    warp_share: float = Field(ge=0, le=1)
    tilt_nepers: float = Field(ge=0, description="largest swing of a smooth random equaliser")
    tilt_share: float = Field(ge=0, le=1)
    noise_nepers: Span = Field(description="noise level below the loudest value")
    noise_share: float = Field(ge=0, le=1)
    blur_frames: int = Field(ge=0, description="widest moving average over time, to either side")
    blur_bins: int = Field(ge=0, description="widest moving average over frequency, to either side")
    blur_share: float = Field(ge=0, le=1)
    time_masks: int = Field(ge=0)
    time_mask_frames: int = Field(ge=0)
    frequency_masks: int = Field(ge=0)
    frequency_mask_bins: int = Field(ge=0)


class Training(TrainingRun):
    """Recipe."""

    reference: Reference
    augmentation: Augmentation
    eps: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    warmup_steps: int = Field(ge=0)
    gradient_clip_norm: float = Field(gt=0)
    tone_loss_weight: float = Field(ge=0)


class Section(AuxiliarySection):
    """``auxiliaries.recogniser``."""

    architecture: Architecture
    training: Training
