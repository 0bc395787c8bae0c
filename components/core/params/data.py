"""``audio`` and ``data``: what is recorded, where it comes from and what is accepted."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from components.core.params.base import Section
from components.core.params.video import VideoParams
from components.core.utterance import Language

Share = Field(ge=0.0, le=1.0)


class AudioParams(Section):
    """Signal analysis shared by the models."""

    f0_floor_hz: float = Field(gt=0)
    f0_ceil_hz: float = Field(gt=0)
    f0_method: Literal["dio", "harvest"]
    log_floor: float = Field(gt=0, description="clamp before the logarithm of a mel amplitude")

    @model_validator(mode="after")
    def _floor_below_ceiling(self) -> Self:
        if self.f0_floor_hz >= self.f0_ceil_hz:
            message = f"f0_floor_hz {self.f0_floor_hz} must lie below f0_ceil_hz {self.f0_ceil_hz}"
            raise ValueError(message)
        return self


class SentencesPerVoice(Section):
    """Sentences a voice of each role speaks in each language."""

    model: int = Field(gt=0)
    evaluator: int = Field(gt=0)
    unseen: int = Field(gt=0)
    made_up: int = Field(ge=0, description="texts of random words besides, for the voices that models learn")
    crowd: int = Field(
        ge=0, description="of each voice of crowd.csv, half of them made up; for first weights alone"
    )


class EspeakParams(Section):
    """The generated part of the embedded corpus."""

    sample_rate_hz: Literal[22050]
    words_per_minute: int = Field(ge=80, le=450)
    max_voice_similarity: float = Field(gt=0, le=1)
    sentences_per_voice_and_language: SentencesPerVoice
    trailing_silence_s: float = Field(ge=0)


class HumanParams(Section):
    """The recorded part of the embedded corpus (Debian's Asterisk prompts)."""

    languages: tuple[Literal["it", "ru", "es", "fr", "en"], ...] = Field(strict=False)
    min_duration_s: float = Field(gt=0)
    max_duration_s: float = Field(gt=0)
    max_minutes_per_language: float = Field(gt=0)
    download_timeout_s: float = Field(gt=0)
    sample_rate_hz: Literal[16000]


class EmbeddedParams(Section):
    """The corpus that this repository makes itself."""

    espeak: EspeakParams
    human: HumanParams


class SplitParams(Section):
    """Shares of sentences held out; the rest trains."""

    validation: float = Share
    test: float = Share

    @model_validator(mode="after")
    def _leaves_something_to_train_on(self) -> Self:
        if self.validation + self.test >= 1:
            message = f"validation + test = {self.validation + self.test} leaves nothing to train on"
            raise ValueError(message)
        return self


class Range(Section):
    """A closed range."""

    min: float
    max: float


class ValidationParams(Section):
    """Limits of the expectations over manifest and audio."""

    duration_min_s: float = Field(gt=0)
    duration_max_s: float = Field(gt=0)
    allowed_sample_rates_hz: tuple[int, ...] = Field(strict=False, min_length=1)
    allowed_encodings: tuple[Literal["PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"], ...] = Field(
        strict=False, min_length=1
    )
    clipping_max_share: float = Share
    silence_max_share: float = Share
    silence_dbfs: float = Field(lt=0)
    characters_per_second: Range
    script_min_share: float = Share
    max_rejected_share: float = Share


class NewSpeakerParams(Section):
    """How `add-speaker` cuts recordings of any length, and how much speech it asks for."""

    corpus: str = Field(min_length=1, description="folder below data/ that receives them")
    speech_min_s: float = Field(gt=0, description="of a speaker, all recordings together")
    stretch_s: float = Field(gt=0, description="of a recording looked at in one piece; bounds the memory")
    clip_min_s: float = Field(gt=0)
    clip_max_s: float = Field(gt=0)
    silence_db: float = Field(lt=0, description="below the loudest 10 ms of a stretch")
    min_silence_s: float = Field(gt=0, description="a shorter pause parts nothing")
    keep_silence_s: float = Field(ge=0, description="kept of a pause, at either side")

    @model_validator(mode="after")
    def _clips_share_nothing(self) -> Self:
        if 2 * self.keep_silence_s > self.min_silence_s:
            message = f"keep_silence_s {self.keep_silence_s} is more than half of min_silence_s"
            raise ValueError(message)
        if not 2 * self.clip_min_s < self.clip_max_s < self.stretch_s:
            message = "2 · clip_min_s < clip_max_s < stretch_s does not hold"
            raise ValueError(message)
        return self


class DvcParams(Section):
    """Where data versions live."""

    remote_name: str = Field(min_length=1)
    remote_url: str = Field(description="empty: a local folder in the workspace; else s3:// gs:// ssh://")
    commit_pointer: bool


class DataParams(Section):
    """Corpora, splits, limits, versions."""

    languages: tuple[Language, ...] = Field(strict=False, min_length=1)
    corpora: tuple[str, ...] = Field(strict=False, min_length=1)
    embedded: EmbeddedParams
    new_speaker: NewSpeakerParams
    splits: SplitParams
    validation: ValidationParams
    video: VideoParams
    dvc: DvcParams

    @model_validator(mode="after")
    def _clips_are_accepted(self) -> Self:
        new, limits = self.new_speaker, self.validation
        if not limits.duration_min_s <= new.clip_min_s < new.clip_max_s <= limits.duration_max_s:
            message = (
                f"new_speaker: clips of {new.clip_min_s} to {new.clip_max_s} s, but validation takes "
                f"{limits.duration_min_s} to {limits.duration_max_s} s"
            )
            raise ValueError(message)
        return self
