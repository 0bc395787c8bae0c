"""``auxiliaries.vocoder``: mel → waveform, in three kinds, and how the trained ones are trained."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from components.core.params import AuxiliarySection, MelSection, TrainingRun, differences
from components.core.params import Section as ParamsSection
from components.nn.discriminator_params import DiscriminatorParams

Kind = Literal["griffin_lim", "source_filter", "hifi_gan"]


class GriffinLim(ParamsSection):
    """Phase from nothing."""

    iterations: int = Field(gt=0)
    momentum: float = Field(ge=0, lt=1)


class SourceFilterSynthesis(ParamsSection):
    """Phase from pulses and noise, where f0 is known."""

    iterations: int = Field(ge=0, description="of Griffin-Lim, from the source's phase on")
    momentum: float = Field(ge=0, lt=1)
    magnitude_steps: int = Field(gt=0, description="multiplicative steps from the source towards the mel")
    noise_from_hz: float = Field(gt=0, description="where noise is as strong as pulses in voiced frames")
    noise_slope_hz: float = Field(gt=0, description="of the logistic curve around it")


class SourceFilter(SourceFilterSynthesis):
    """The same, and how f0 is found where it is not known."""

    voicing_threshold: float = Field(gt=0, lt=1, description="on the pitch network's probability")


class PitchNetwork(ParamsSection):
    """Mel → f0 and voicing, for callers that have no f0."""

    channels: int = Field(gt=0)
    layers: int = Field(gt=0)
    kernel: int = Field(gt=0, description="frames, odd")
    bins: int = Field(gt=1, description="of f0, evenly spaced on a logarithmic scale from floor to ceil")
    floor_hz: float = Field(gt=0)
    ceil_hz: float = Field(gt=0)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.kernel % 2 == 0:
            message = f"kernel {self.kernel} must be odd to keep the length"
            raise ValueError(message)
        if self.floor_hz >= self.ceil_hz:
            message = f"floor_hz {self.floor_hz} must lie below ceil_hz {self.ceil_hz}"
            raise ValueError(message)
        return self


class Generator(ParamsSection):
    """HiFi-GAN's generator (Kong, Kim and Bae 2020, table 5: V1 has 512 channels)."""

    initial_channels: int = Field(gt=0, description="halved at every upsampling")
    upsample_rates: tuple[int, ...] = Field(min_length=1, strict=False)
    upsample_kernels: tuple[int, ...] = Field(strict=False)
    resblock_kernels: tuple[int, ...] = Field(min_length=1, strict=False)
    resblock_dilations: tuple[int, ...] = Field(min_length=1, strict=False)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.upsample_kernels) != len(self.upsample_rates):
            message = f"{len(self.upsample_kernels)} upsample_kernels for {len(self.upsample_rates)} rates"
            raise ValueError(message)
        for rate, kernel in zip(self.upsample_rates, self.upsample_kernels, strict=True):
            if kernel < rate or (kernel - rate) % 2:
                message = f"an upsample kernel of {kernel} cannot multiply the length by {rate} exactly"
                raise ValueError(message)
        if any(kernel % 2 == 0 for kernel in self.resblock_kernels):
            message = f"resblock_kernels {self.resblock_kernels} must be odd to keep the length"
            raise ValueError(message)
        if self.initial_channels % 2 ** len(self.upsample_rates):
            message = f"{self.initial_channels} channels cannot be halved {len(self.upsample_rates)} times"
            raise ValueError(message)
        return self


class Streaming(ParamsSection):
    """Chunks of `stream`."""

    first_chunk_frames: int = Field(gt=0, description="small: the first audio waits for it")
    chunk_frames: int = Field(gt=0, description="large: every chunk also computes its surroundings")


class Architecture(MelSection):
    """Which vocoder, the mel that it inverts, and the dimensions of each kind."""

    kind: Kind
    griffin_lim: GriffinLim
    source_filter: SourceFilter
    pitch_network: PitchNetwork
    generator: Generator
    discriminators: DiscriminatorParams
    streaming: Streaming

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        product = math.prod(self.generator.upsample_rates)
        if product != self.hop_length:
            message = f"upsample_rates multiply to {product}, but hop_length is {self.hop_length}"
            raise ValueError(message)
        return self


class Training(TrainingRun):
    """Recipe of the trained kinds: the GAN (hifi_gan) or the pitch network (source_filter)."""

    segment_frames: int = Field(gt=1)
    weight_decay: float = Field(ge=0)
    rate_decay: float = Field(gt=0, le=1, description="learning-rate factor per 1,000 steps")
    warmup_steps: int = Field(ge=0)
    gradient_clip_norm: float = Field(ge=0, description="0: none, as the paper has it")
    mel_loss_weight: float = Field(ge=0)
    feature_loss_weight: float = Field(ge=0)
    speed_copies: int = Field(ge=0, description="further copies of a clip, faster or slower: other pitches")
    speed_min: float = Field(gt=0, le=1)
    speed_max: float = Field(ge=1)
    gain_range: float = Field(ge=0, description="natural log; the level is moved by up to this, both ways")
    blur_max_frames: float = Field(ge=0, description="standard deviation; predicted mels are smoother")
    validation_clips: int = Field(gt=0)


class Section(AuxiliarySection):
    """``auxiliaries.vocoder``."""

    architecture: Architecture
    training: Training

    def misfit(self, card: Mapping[str, Any] | None) -> tuple[str, str] | None:
        """See `AuxiliarySection.misfit`: kind and mel count; the rest follows the card."""
        asked = self.architecture
        if asked.kind == "griffin_lim" or (card is None and asked.kind == "source_filter"):
            return None  # both work without weights
        wanted = {name: getattr(asked, name) for name in ("kind", *MelSection.model_fields)}
        sides = differences(wanted, card["architecture"] if card else {})
        return sides if sides is None or card else (sides[0], "no weights")
