"""The manifest row, the unit every stage speaks about."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Language = Literal["ko", "en", "ja", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
#: Languages of recordings without a transcript, for voice conversion only; und: nobody named it.
UntranscribedLanguage = Literal["it", "ru", "es", "fr", "und"]
Split = Literal["train", "validation", "test"]
#: ``model``: a voice the models learn. ``evaluator``: trains what judges them, nothing that is judged.
#: ``unseen``: by everything until evaluation. ``human``: recorded people.
Role = Literal["model", "evaluator", "unseen", "human"]
ConsentBasis = Literal["synthetic", "licence", "document"]


class Utterance(BaseModel):
    """One recording and what is known of it; the columns of ``manifest.csv`` in this order."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    utterance_id: str = Field(min_length=1, max_length=120, description="unique over all corpora, NFC")
    speaker_id: str = Field(min_length=1, description="unique over all corpora, NFC")
    language: Language | UntranscribedLanguage
    text: str = Field(description="orthography, NFC; empty only for untranscribed recordings")
    path: str = Field(description="audio file relative to the corpus folder, POSIX separators")
    duration_s: float = Field(gt=0, allow_inf_nan=False)
    sample_rate: int = Field(gt=0, description="Hz")
    split: Split
    role: Role
    consent: str = Field(description="id of the consent record in consent.csv")
    licence: str = Field(min_length=1, description="SPDX id or the name of the agreement")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the audio file")


MANIFEST_COLUMNS: tuple[str, ...] = tuple(Utterance.model_fields)


class PhonemeTiming(BaseModel):
    """One phoneme of an utterance and where it sounds; the columns of ``alignments.csv``."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    utterance_id: str
    symbol: str = Field(min_length=1)
    start_s: float = Field(ge=0)
    end_s: float = Field(ge=0)
