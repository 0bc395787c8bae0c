"""``auxiliaries.codec``: the codec that this repository trains; a published EnCodec has its own sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from components.auxiliaries.vocoder.params import SourceFilterSynthesis
from components.core.params import AuxiliarySection, MelSection, TrainingRun, differences


class Architecture(MelSection):
    """Analysis, networks and codebooks. The mel section is what the encoder hears and the decoder tells."""

    stride: int = Field(gt=0, description="frames of the analysis to one frame of codes")
    f0_floor_hz: float = Field(gt=0)
    f0_ceil_hz: float = Field(gt=0)
    n_codebooks: int = Field(gt=0)
    codebook_size: int = Field(gt=1)
    latent_dim: int = Field(gt=0, description="width of what is quantised")
    channels: int = Field(gt=0)
    encoder_layers: int = Field(gt=0)
    decoder_layers: int = Field(gt=0)
    kernel: int = Field(gt=0, description="frames, odd")
    expansion: int = Field(gt=0, description="of a block's hidden layer over channels")
    voicing_threshold: float = Field(gt=0, lt=1)
    synthesis: SourceFilterSynthesis

    @property
    def samples_per_code(self) -> int:
        """Samples to one frame of codes."""
        return self.hop_length * self.stride

    @property
    def frame_rate_hz(self) -> int:
        """Frames of codes a second."""
        return self.sample_rate_hz // self.samples_per_code

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.sample_rate_hz % self.samples_per_code:
            message = (
                f"hop_length x stride = {self.samples_per_code} does not divide {self.sample_rate_hz} Hz"
            )
            raise ValueError(message)
        if self.kernel % 2 == 0:
            message = f"kernel {self.kernel} must be odd to keep the length"
            raise ValueError(message)
        if self.f0_floor_hz >= self.f0_ceil_hz:
            message = f"f0_floor_hz {self.f0_floor_hz} must lie below f0_ceil_hz {self.f0_ceil_hz}"
            raise ValueError(message)
        return self


class Training(TrainingRun):
    """Recipe."""

    segment_frames: int = Field(gt=1, description="frames of codes of a training sample")
    weight_decay: float = Field(ge=0)
    eps: float = Field(gt=0)
    warmup_steps: int = Field(ge=0)
    gradient_clip_norm: float = Field(gt=0)
    mel_loss_weight: float = Field(ge=0)
    change_loss_weight: float = Field(ge=0, description="of the mel's change from frame to frame")
    pitch_loss_weight: float = Field(ge=0)
    voicing_loss_weight: float = Field(ge=0)
    commitment_loss_weight: float = Field(ge=0)
    codebook_decay: float = Field(gt=0, lt=1, description="of the running sums behind each codeword")
    restart_below: float = Field(ge=0, description="running count under which a codeword begins anew")
    codebook_dropout: float = Field(ge=0, le=1, description="share of samples that use fewer codebooks")
    validation_clips: int = Field(gt=0)


class Section(AuxiliarySection):
    """``auxiliaries.codec``."""

    architecture: Architecture
    training: Training

    def misfit(self, card: Mapping[str, Any] | None) -> tuple[str, str] | None:
        """See `AuxiliarySection.misfit`."""
        if card is None:
            return super().misfit(None)
        return differences(self.architecture.model_dump(mode="json"), card["architecture"])
