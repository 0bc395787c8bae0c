"""What speaks in the voice of a prompt, for the rooms that use it: nobody is on its list of speakers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from components.core.errors import DataError
from components.core.params import ModelSection
from components.core.utterance import Language
from components.nn.contracts import Auxiliaries, ModelSpec, Speech
from components.nn.timbre import Timbre

Ending = Literal["end", "length", "loop"]
"""Why speech ended: the model's own end; the most that text or context allow; a loop, which is cut off."""


@dataclass(frozen=True)
class Voice:
    """A prompt, understood.

    Attributes:
        codes: [Q, P] of its audio.
        symbols, languages: numbers of what is said in it.
        timbre: its average sound; None: speech is left as the codes have it.
    """

    codes: Tensor
    symbols: tuple[int, ...]
    languages: tuple[int, ...]
    timbre: Timbre | None = None


@dataclass(frozen=True)
class Utterance:
    """What was spoken.

    Attributes:
        speech: samples; maybe none.
        endings: of each piece of the text.
        frames: codes of the first codebook that were told, one after the other.
        symbols: of the text.
    """

    speech: Speech
    endings: tuple[Ending, ...]
    frames: int
    symbols: int


@dataclass(frozen=True)
class Line:
    """A text to be spoken in a voice; a seed says the same again, alone or among others."""

    text: str
    language: Language
    voice: Voice
    seed: int


class PromptedSpeaker(Protocol):
    """A delivered model that speaks in the voice of a prompt, also in another language than the prompt's.

    Attributes:
        sample_rate: Hz.
        languages: that it speaks.
        prompt_s: seconds that a prompt lasts, at least and at most.
        learned_from: voices it was trained on, sorted; it speaks in others as well.
        consents: voice that it was trained on → id of the consent record.
    """

    sample_rate: int
    languages: tuple[Language, ...]
    prompt_s: tuple[float, float]
    learned_from: tuple[str, ...]
    consents: Mapping[str, str]
    device: torch.device
    dtype: str
    weights_sha256: str

    def voice(self, prompt: Speech, text: str, language: Language) -> Voice:
        """Understand a prompt, once for many utterances.

        Args:
            prompt: mono, of any rate.
            text: what is said in it; wrong words come back in the speech.
            language: of the text.

        Raises:
            DataError: too short or long, unusable audio, empty text, or an unknown language.
        """

    def speak_all(self, lines: Sequence[Line]) -> list[Utterance]:
        """All lines as one batch.

        Raises:
            DataError: empty text, unknown language, or a prompt that fills the context.
        """

    def stream(self, text: str, language: Language, voice: Voice, seed: int) -> Iterator[NDArray[np.float32]]:
        """Samples as they become ready, long before the text is spoken.

        Raises:
            DataError: see `speak_all`; before the first chunk.
        """


class PromptedSpec(ModelSpec, Protocol):
    """The hooks of a model of the kind ``prompted_speech``."""

    def load_prompted(
        self, section: ModelSection, delivered: Path, auxiliaries: Auxiliaries, device: torch.device
    ) -> PromptedSpeaker:
        """A delivered model, everything checked.

        Raises:
            CorruptFileError, DataError, ConfigError: weights that are damaged, missing or do not fit.
        """


def require_prompt_length(duration_s: float, prompt_s: tuple[float, float]) -> None:
    """Refuse a prompt that is too short to hear a voice in, or that leaves no room in the context.

    Raises:
        DataError: it is.
    """
    shortest, longest = prompt_s
    if not shortest <= duration_s <= longest:
        raise DataError(
            who="prompt",
            expected=f"{shortest:g} to {longest:g} s (models.<model>.inference.prompt)",
            found=f"{duration_s:.1f} s",
            action="cut it together with its text, at a pause",
        )
