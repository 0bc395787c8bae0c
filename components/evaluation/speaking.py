"""Has a candidate speak the sentences, one at a time, with a clock beside it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from components.core.errors import IrisError
from components.core.params.data import ValidationParams
from components.core.utterance import Language
from components.evaluation.audio_faults import audio_fault
from components.evaluation.sentences import Sentence
from components.nn.contracts import Speech


class Candidate(Protocol):
    """What is asked of a delivered model, whether it reads a text or converts somebody who does.

    `components.nn.contracts.Synthesiser` is one, and so is `components.evaluation.converting.Conversions`.
    """

    sample_rate: int
    speakers: tuple[str, ...]
    consents: Mapping[str, str]
    device: torch.device
    dtype: str

    def stream(self, text: str, language: Language, speaker: str) -> Iterator[NDArray[np.float32]]:
        """Chunks of samples as they become ready.

        Raises:
            DataError: what cannot be said, or an unknown speaker.
        """


@dataclass(frozen=True)
class Take:
    """One synthesis: the audio, and the seconds to its first and to its last sample."""

    speech: Speech
    first_s: float
    total_s: float


@dataclass(frozen=True)
class Spoken:
    """A sentence in a speaker's voice. ``fault`` says why it cannot be judged."""

    sentence: Sentence
    speaker: str
    take: Take
    fault: str | None


def assign_speakers(sentences: Sequence[Sentence], speakers: Sequence[str]) -> Iterator[tuple[Sentence, str]]:
    """Each sentence its speaker, in turn within a language; each language begins with another speaker."""
    seen: Counter[str] = Counter()
    first = {language: i for i, language in enumerate(dict.fromkeys(s.language for s in sentences))}
    for sentence in sentences:
        turn = first[sentence.language] + seen[sentence.language]
        seen[sentence.language] += 1
        yield sentence, speakers[turn % len(speakers)]


def take(candidate: Candidate, sentence: Sentence, speaker: str) -> Take:
    """Speak once. The clock runs from the text in hand until the device has delivered the last sample.

    Raises:
        DataError: what the candidate says of the text or the speaker.
    """
    synchronise(candidate.device)
    started = time.perf_counter()
    first = 0.0
    chunks = []
    for chunk in candidate.stream(sentence.text, sentence.language, speaker):
        synchronise(candidate.device)
        chunks.append(chunk)
        first = first or time.perf_counter() - started
    total = time.perf_counter() - started
    samples = np.concatenate(chunks) if chunks else np.zeros(0, dtype=np.float32)
    return Take(Speech(samples, candidate.sample_rate), first, total)


def speak(
    candidate: Candidate, turns: Iterable[tuple[Sentence, str]], limits: ValidationParams
) -> Iterator[Spoken]:
    """Speak each sentence; one that fails becomes a fault of that sentence and the others go on."""
    for sentence, speaker in turns:
        try:
            taken = take(candidate, sentence, speaker)
        except IrisError as error:
            nothing = Take(Speech(np.zeros(0, dtype=np.float32), candidate.sample_rate), 0.0, 0.0)
            yield Spoken(sentence, speaker, nothing, f"{type(error).__name__}: {error}")
            continue
        yield Spoken(sentence, speaker, taken, audio_fault(taken.speech.samples, limits))


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
