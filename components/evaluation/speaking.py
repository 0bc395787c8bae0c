"""Has a candidate speak the sentences, one at a time, with a clock beside it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from components.core.errors import IrisError
from components.core.params.data import ValidationParams
from components.evaluation.audio_faults import audio_fault
from components.evaluation.sentences import Sentence
from components.nn.contracts import Speech, Synthesiser


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


def take(synthesiser: Synthesiser, sentence: Sentence, speaker: str) -> Take:
    """Speak once. The clock runs from the text in hand until the device has delivered the last sample.

    Raises:
        DataError: what the synthesiser says of the text or the speaker.
    """
    _synchronise(synthesiser.device)
    started = time.perf_counter()
    first = 0.0
    chunks = []
    for chunk in synthesiser.stream(sentence.text, sentence.language, speaker):
        _synchronise(synthesiser.device)
        chunks.append(chunk)
        first = first or time.perf_counter() - started
    total = time.perf_counter() - started
    samples = np.concatenate(chunks) if chunks else np.zeros(0, dtype=np.float32)
    return Take(Speech(samples, synthesiser.sample_rate), first, total)


def speak(
    synthesiser: Synthesiser, turns: Iterable[tuple[Sentence, str]], limits: ValidationParams
) -> Iterator[Spoken]:
    """Speak each sentence; one that fails becomes a fault of that sentence and the others go on."""
    for sentence, speaker in turns:
        try:
            taken = take(synthesiser, sentence, speaker)
        except IrisError as error:
            nothing = Take(Speech(np.zeros(0, dtype=np.float32), synthesiser.sample_rate), 0.0, 0.0)
            yield Spoken(sentence, speaker, nothing, f"{type(error).__name__}: {error}")
            continue
        yield Spoken(sentence, speaker, taken, audio_fault(taken.speech.samples, limits))


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
