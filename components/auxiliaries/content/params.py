"""``auxiliaries.content``: the HuBERT that voice conversion hears with, and how it is pretrained.

The label, the checkpoint and the layer that a conversion really uses stand in
``models.rvc.architecture.content_encoder`` and only there; `components.core.params.root` checks that both
fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from components.core.params import AuxiliarySection, TrainingRun, differences
from components.core.params import Section as ParamsSection


class Chunks(ParamsSection):
    """How a long recording is taken in pieces, so that memory does not grow with its length."""

    chunk_s: float = Field(gt=0, description="features kept of each piece; shorter recordings stay whole")
    margin_s: float = Field(ge=0, description="heard on both sides of a piece and thrown away")


class Architecture(ParamsSection):
    """HuBERT (Hsu et al. 2021, section II-A and table I), post-norm transformer."""

    sample_rate_hz: Literal[16000]
    hidden_size: int = Field(gt=0, description="width of a feature")
    layers: int = Field(gt=0)
    heads: int = Field(gt=0)
    ffn_dim: int = Field(gt=0)
    conv_channels: tuple[int, ...] = Field(min_length=1, strict=False)
    conv_kernels: tuple[int, ...] = Field(min_length=1, strict=False)
    conv_strides: tuple[int, ...] = Field(min_length=1, strict=False)
    conv_norm: Literal["group", "layer"] = Field(
        description="group: the first layer normalises over the whole recording, as HuBERT Base does; "
        "layer: every layer normalises each moment for itself"
    )
    activation: Literal["gelu", "relu"] = Field(description="HuBERT's is gelu; its gradient is slow on a CPU")
    positional_kernel: int = Field(gt=0, description="frames that the convolutional position covers")
    positional_groups: int = Field(gt=0)
    dropout: float = Field(ge=0, lt=1)
    layerdrop: float = Field(ge=0, lt=1)
    chunks: Chunks

    def dimensions(self) -> dict[str, Any]:
        """What weights depend on: neither the effort of extraction nor what only training uses."""
        return self.model_dump(mode="json", exclude={"chunks", "dropout", "layerdrop"})

    @property
    def stride(self) -> int:
        """Samples between features."""
        return math.prod(self.conv_strides)

    @property
    def window(self) -> int:
        """Samples that the convolutions hear of one feature."""
        reach, step = 1, 1
        for kernel, stride in zip(self.conv_kernels, self.conv_strides, strict=True):
            reach += (kernel - 1) * step
            step *= stride
        return reach

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not len(self.conv_channels) == len(self.conv_kernels) == len(self.conv_strides):
            message = "conv_channels, conv_kernels and conv_strides must be equally long"
            raise ValueError(message)
        if self.hidden_size % self.heads or self.hidden_size % self.positional_groups:
            message = f"hidden_size {self.hidden_size} is no multiple of heads and positional_groups"
            raise ValueError(message)
        return self


class Cepstra(ParamsSection):
    """The 39 MFCC values of the first iteration's targets."""

    coefficients: int = Field(gt=1, description="with the zeroth; deltas and their deltas come on top")
    n_fft: int = Field(gt=0)
    win_length: int = Field(gt=0, description="samples; what one feature hears")
    n_mels: int = Field(gt=0)
    fmin_hz: float = Field(ge=0)
    fmax_hz: float = Field(gt=0)
    delta_frames: int = Field(gt=0, description="to either side, in frames of half a feature")
    normalise: bool = Field(
        description="each recording loses its mean and scale, so that clusters are of sounds, not of voices; "
        "the paper's recipe does not"
    )


class Iteration(ParamsSection):
    """One round: targets by k-means, then masked prediction of them."""

    clusters: int = Field(gt=1)
    layer: int = Field(ge=0, description="of the round before, whose features are clustered; 0: the MFCC")
    budget_share: float = Field(gt=0, le=1, description="of max_steps and max_cpu_seconds")


class Masking(ParamsSection):
    """Spans that are hidden from the transformer."""

    start_share: float = Field(gt=0, lt=1, description="share of frames at which a span begins")
    span_frames: int = Field(gt=0)


class Perturbation(ParamsSection):
    """Training speech at another speed, hence with other formants and pitch, while targets stay."""

    share: float = Field(ge=0, le=1, description="of samples; the paper has none")
    speed_min: float = Field(gt=0, le=1)
    speed_max: float = Field(ge=1)
    equaliser_db: float = Field(ge=0, description="deviation of a smooth random filter's gain; 0: none")


class Training(TrainingRun):
    """Recipe."""

    cepstra: Cepstra
    iterations: tuple[Iteration, ...] = Field(min_length=1, strict=False)
    fit_frames: int = Field(gt=0, description="at most this many frames decide the clusters")
    continue_weights: bool = Field(description="whether a round begins from the weights of the one before")
    masking: Masking
    masked_loss_share: float = Field(
        ge=0, le=1, description="alpha: weight of masked frames; the rest weighs the frames that are heard"
    )
    projection_dim: int = Field(gt=0)
    logit_temperature: float = Field(gt=0)
    perturbation: Perturbation
    recorded_repeats: int = Field(gt=0, description="how often recorded people count, there being few")
    segment_frames: int = Field(gt=1, description="longest stretch of a training sample")
    validation_clips: int = Field(gt=0)
    eps: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    warmup_steps: int = Field(ge=0)
    gradient_clip_norm: float = Field(gt=0)

    @model_validator(mode="after")
    def _rounds_follow(self) -> Self:
        if self.iterations[0].layer != 0 or any(one.layer == 0 for one in self.iterations[1:]):
            message = "the first iteration learns MFCC clusters (layer 0), every other one those of a layer"
            raise ValueError(message)
        total = math.fsum(one.budget_share for one in self.iterations)
        if not math.isclose(total, 1.0, abs_tol=1e-6):
            message = f"budget_share of the iterations sums to {total:g}, not to 1"
            raise ValueError(message)
        return self


class Section(AuxiliarySection):
    """``auxiliaries.content``."""

    architecture: Architecture
    training: Training

    @model_validator(mode="after")
    def _layers_exist(self) -> Self:
        deepest = max(one.layer for one in self.training.iterations)
        if deepest > self.architecture.layers:
            message = f"an iteration clusters layer {deepest} of {self.architecture.layers}"
            raise ValueError(message)
        if self.training.cepstra.win_length != self.architecture.window:
            message = (
                f"cepstra.win_length {self.training.cepstra.win_length} is not the "
                f"{self.architecture.window} samples of a feature"
            )
            raise ValueError(message)
        return self

    def misfit(self, card: Mapping[str, Any] | None) -> tuple[str, str] | None:
        """See `AuxiliarySection.misfit`."""
        if card is None:
            return super().misfit(None)
        return differences(self.architecture.dimensions(), card["architecture"])
