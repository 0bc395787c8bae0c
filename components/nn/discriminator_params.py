"""The dimensions of HiFi-GAN's judges, torch-free, for every ``params.py`` whose network has them."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from components.core.params import Section


class DiscriminatorParams(Section):
    """Multi-period and multi-scale discriminators (Kong, Kim and Bae 2020, sections 2.3 and appendix B)."""

    periods: tuple[int, ...] = Field(min_length=1, strict=False)
    period_channels: tuple[int, ...] = Field(min_length=2, strict=False)
    scales: int = Field(gt=0, description="each hears half the rate of the one before")
    scale_channels: tuple[int, ...] = Field(min_length=2, strict=False)
    scale_kernels: tuple[int, ...] = Field(strict=False)
    scale_strides: tuple[int, ...] = Field(strict=False)
    scale_groups: tuple[int, ...] = Field(strict=False)

    @model_validator(mode="after")
    def _as_long(self) -> Self:
        for name in ("scale_kernels", "scale_strides", "scale_groups"):
            if len(getattr(self, name)) != len(self.scale_channels):
                message = f"{name} must be as long as scale_channels ({len(self.scale_channels)})"
                raise ValueError(message)
        return self
