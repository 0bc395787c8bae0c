"""``auxiliaries.timbre``: what brings the codec's sound nearer to a prompt's voice, and how it is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from components.core.params import AuxiliarySection, TrainingRun, differences
from components.core.params import Section as ParamsSection


class Architecture(ParamsSection):
    """Whose copies it hears, and its dimensions."""

    codec: str = Field(
        description="folder of the codec whose sound it changes, below the project or absolute"
    )
    n_codebooks: int = Field(gt=0, description="through which that codec copies, as the language model does")
    channels: int = Field(gt=0)
    layers: int = Field(gt=1)
    kernel: int = Field(gt=0, description="frames, odd")
    expansion: int = Field(gt=0, description="of a block's hidden layer over channels")
    voice_dim: int = Field(gt=0, description="width of what a block is told of the voice")
    attention_dim: int = Field(gt=0, description="of queries and keys over the prompt's frames")

    @model_validator(mode="after")
    def _keeps_the_length(self) -> Self:
        if self.kernel % 2 == 0:
            message = f"kernel {self.kernel} must be odd to keep the length"
            raise ValueError(message)
        return self


class NewVoices(ParamsSection):
    """How far a voice that was never recorded lies from the one it is made of."""

    share: float = Field(ge=0, le=1, description="of samples; the others are the voices as they are")
    warp: float = Field(ge=0, description="largest factor of all frequencies, natural log")
    bend: float = Field(ge=0, description="spread of the factor from region to region, natural log")
    equaliser: float = Field(ge=0, description="spread of the whole curve's first cosines, nepers")


class Training(TrainingRun):
    """Recipe."""

    clips_per_voice: int = Field(gt=1, description="at most, in each split; new voices are made of them")
    speech_frames: int = Field(gt=1, description="frames of the analysis that are brought nearer")
    prompt_frames: int = Field(gt=1, description="of another utterance of the voice")
    new_voices: NewVoices
    drift_share: float = Field(
        ge=0, le=1, description="of samples whose codes are of a voice between the natural one and the new"
    )
    mean_share: float = Field(
        ge=0, le=1, description="of samples heard as a mean over codes of the first codebook"
    )
    mean_softness: float = Field(gt=0, description="most that such a mean is blurred by: squared distance")
    weight_decay: float = Field(ge=0)
    eps: float = Field(gt=0)
    warmup_steps: int = Field(ge=0)
    gradient_clip_norm: float = Field(gt=0)
    square_loss_weight: float = Field(ge=0, description="beside the mean absolute difference of the mel")
    change_loss_weight: float = Field(ge=0, description="of the mel's change from frame to frame")
    average_loss_weight: float = Field(ge=0, description="of the average over voiced frames")
    spread_loss_weight: float = Field(ge=0, description="of each band's spread over voiced frames")
    validation_clips: int = Field(gt=0)


class Section(AuxiliarySection):
    """``auxiliaries.timbre``."""

    architecture: Architecture
    training: Training

    def misfit(self, card: Mapping[str, Any] | None) -> tuple[str, str] | None:
        """See `AuxiliarySection.misfit`."""
        if card is None:
            return super().misfit(None)
        return differences(self.architecture.model_dump(mode="json"), card["architecture"])
