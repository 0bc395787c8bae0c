"""``captions``: how much text is shown, for how long, how it is drawn, and when an alignment is believed."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from components.core.params.base import Section
from components.core.utterance import LANGUAGES, Language


class AlignmentParams(Section):
    """Words of a recording in time, from what the recogniser hears."""

    min_pause_s: float = Field(
        gt=0, description="silence between two words from which on it belongs to neither"
    )
    max_audio_s: float = Field(gt=0, description="longest recording that is aligned in one piece")
    min_log_probability: float = Field(
        lt=0, description="mean over the sounds of a text; below it the text is not what was said"
    )


class BurnParams(Section):
    """Captions drawn into the picture."""

    font: str = Field(description="a TrueType file; empty: the font built into OpenCV")
    height_share: float = Field(gt=0, lt=1, description="of the picture's height: size of the letters")
    min_pixels: int = Field(
        gt=0, description="smaller letters are not wished: narrow pictures get shorter lines"
    )
    margin_share: float = Field(ge=0, lt=0.5, description="of each side of the picture, kept free")
    outline_share: float = Field(gt=0, lt=1, description="of the letters' size")
    line_spacing: float = Field(ge=1, description="of the letters' size, from base line to base line")


class CaptionParams(Section):
    """Limits of a caption; where they conflict, the order of `components.captions.cues` holds."""

    line_width: dict[Language, int] = Field(
        description="characters of a line; in ko, ja and zh a half-width one counts half"
    )
    lines: int = Field(gt=0, description="of a caption")
    min_duration_s: float = Field(gt=0)
    max_duration_s: float = Field(gt=0)
    min_gap_s: float = Field(ge=0, description="between two captions, where both stay visible")
    reading_speed: dict[Language, float] = Field(description="characters a second, counted as in line_width")
    pause_s: float = Field(gt=0, description="a silence this long ends a caption, where its duration allows")
    alignment: AlignmentParams
    burn: BurnParams

    @model_validator(mode="after")
    def _limits_agree(self) -> Self:
        if self.min_duration_s > self.max_duration_s:
            message = f"min_duration_s {self.min_duration_s} lies above max_duration_s {self.max_duration_s}"
            raise ValueError(message)
        for name in ("line_width", "reading_speed"):
            values = getattr(self, name)
            if set(values) != set(LANGUAGES) or min(values.values()) <= 0:
                message = f"{name} needs a value above 0 for each of {', '.join(LANGUAGES)}"
                raise ValueError(message)
        return self
