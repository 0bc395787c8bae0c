"""A model that speaks by prompts as a candidate: in batches to be judged, one by one to be timed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from components.core.errors import IrisError
from components.core.params.data import ValidationParams
from components.core.progress import Progress
from components.core.utterance import Language
from components.evaluation.audio_faults import audio_fault
from components.evaluation.prompts import Part
from components.evaluation.speaking import Spoken, Take
from components.nn.contracts import Speech
from components.nn.prompting import Line, PromptedSpeaker, Utterance


@dataclass(frozen=True)
class Told:
    """All sentences.

    Attributes:
        spoken: in their order; their takes tell no latency.
        utterances: sentence id → what the model says of it; without those that could not be spoken.
        tokens_per_s: of each batch, codes of the first codebook.
    """

    spoken: Sequence[Spoken]
    utterances: Mapping[str, Utterance]
    tokens_per_s: Mapping[str, float]


class PromptedVoices:
    """See `components.evaluation.speaking.Candidate`.

    Prompts are understood beforehand, as a service would keep them: the clock of evaluation runs from the
    text in hand. `stream` is timed, so the figure to the last sample is a stream's, which does a little more
    than speaking at once.

    Args:
        model: the delivered one.
        parts: who says which sentence; a text stands once in a language.
        seed: of the first sentence; each has its own, which `seeds` tells by the sentence's id.

    Raises:
        DataError: a prompt that cannot be used.
    """

    def __init__(self, model: PromptedSpeaker, parts: Sequence[Part], seed: int) -> None:
        self._model, self._parts = model, parts
        prompts = {one.prompt.recording.utterance.utterance_id: one.prompt for one in parts}
        voices = {
            name: model.voice(one.recording.load(), one.recording.utterance.text, one.language)
            for name, one in prompts.items()
        }
        self._lines = [
            Line(
                one.sentence.text,
                one.sentence.language,
                voices[one.prompt.recording.utterance.utterance_id],
                seed + place,
            )
            for place, one in enumerate(parts)
        ]
        self._said = {(line.language, line.text): line for line in self._lines}
        self.seeds = {
            one.sentence.sentence_id: line.seed for one, line in zip(parts, self._lines, strict=True)
        }
        self.sample_rate, self.device, self.dtype = model.sample_rate, model.device, model.dtype
        self.speakers = tuple(dict.fromkeys(one.prompt.speaker for one in parts))
        self.consents: Mapping[str, str] = {
            one.prompt.speaker: one.prompt.recording.utterance.consent for one in parts
        }

    def stream(self, text: str, language: Language, speaker: str) -> Iterator[NDArray[np.float32]]:
        """Chunks of a sentence, in the voice that it was cast with.

        Raises:
            DataError: what cannot be said.
            LookupError: a sentence without a part.
        """
        line = self._said[language, text]
        yield from self._model.stream(line.text, line.language, line.voice, line.seed)

    def speak(self, size: int, limits: ValidationParams, progress: Progress) -> Told:
        """Every sentence once, ``size`` at a time; one that fails becomes a fault of that sentence."""
        spoken: list[Spoken] = []
        utterances: dict[str, Utterance] = {}
        speeds: dict[str, float] = {}
        starts = range(0, len(self._parts), size)
        for start in progress.track(starts, len(starts), f"batches of {size} sentences"):
            parts, began = self._parts[start : start + size], time.perf_counter()
            made = self._batch(self._lines[start : start + size])
            took = time.perf_counter() - began
            speeds[f"batch/{start // size}"] = sum(u.frames for u, _ in made if u) / took
            for part, (utterance, fault) in zip(parts, made, strict=True):
                name = part.sentence.sentence_id
                speech = utterance.speech if utterance else Speech(np.zeros(0, np.float32), self.sample_rate)
                found = fault or audio_fault(speech.samples, limits)
                spoken.append(Spoken(part.sentence, part.prompt.speaker, Take(speech, 0.0, 0.0), found))
                if utterance:
                    utterances[name] = utterance
        return Told(spoken, utterances, speeds)

    def _batch(self, lines: Sequence[Line]) -> list[tuple[Utterance | None, str | None]]:
        """What each line became, or why nothing; lines are spoken alone where one of them fails."""
        try:
            made = self._model.speak_all(lines)
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
        except IrisError as error:
            if len(lines) == 1:
                return [(None, f"{type(error).__name__}: {error}")]
            return [one for line in lines for one in self._batch([line])]
        return [(one, None) for one in made]
