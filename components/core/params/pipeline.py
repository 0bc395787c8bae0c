"""``pipeline``: what the demonstration says where nobody says otherwise, and through which models."""

from __future__ import annotations

from pydantic import Field

from components.core.params.base import Section
from components.core.utterance import Language


class PipelineParams(Section):
    """Text → speech → voice → lips → captioned video."""

    speech: str = Field(description="the model that speaks the text")
    voice: str = Field(description="the model that converts it, where a voice is asked for")
    lips: str = Field(description="the model that moves the lips")
    sentence: str = Field(min_length=1, description="what the DAG demo_video has said")
    language: Language = Field(description="of the sentence")
    convert_to: str = Field(description="whose voice the DAG asks for; empty: that of the speech")
    drawn_face_pixels: int = Field(ge=64, description="side of the drawn face where no face is given")
