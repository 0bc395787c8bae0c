"""Voices to evaluate without training anything: espeak-ng variants as speakers, and a synthesiser of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tone_corpus import ToneCorpus

from components.core.errors import DataError
from components.core.utterance import Language
from components.espeak.synthesis import Voice, synthesise
from components.nn.contracts import Speech

VOICES = {"low": Voice("m3", pitch=20), "high": Voice("f2", pitch=80), "croak": Voice("croak", pitch=45)}
_TEXT = "seven blue lanterns were swinging over the quiet harbour while nobody counted the slow boats"
_WORDS = tuple(_TEXT.split())


@cache
def say(words: int, voice: Voice, turn: int = 0) -> Speech:
    """``words`` words of a fixed text, begun at word ``turn``, English whatever the language asked for."""
    text = " ".join(_WORDS[(turn + i) % len(_WORDS)] for i in range(words))
    spoken = synthesise(text, "en", voice, 165)
    return Speech(spoken.samples.astype(np.float32) / 32768.0, spoken.sample_rate_hz)


@dataclass
class EspeakSynthesiser:
    """Speaks as many words as the text is long (5 up to 45 characters, else 12), after an artificial pause.

    ``broken`` maps a text to the samples given instead; ``refused`` texts raise; ``chunks`` parts the audio.
    """

    speakers: tuple[str, ...] = tuple(VOICES)
    consents: dict[str, str] = field(default_factory=lambda: dict.fromkeys(VOICES, "c1"))
    pause_s: float = 0.0
    chunks: int = 1
    broken: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    sample_rate: int = 22050
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    dtype: str = "float32"
    calls: list[str] = field(default_factory=list)

    def stream(self, text: str, language: Language, speaker: str) -> Iterator[NDArray[np.float32]]:
        """The audio in ``chunks`` pieces, each after the pause."""
        self.calls.append(text)
        if text in self.refused:
            raise DataError(
                who=text, expected="a text I can say", found="this one", action="none, it is a test"
            )
        samples = self.broken.get(text)
        if samples is None:
            words = 5 if len(text) <= 45 else 12
            samples = say(words, VOICES[speaker], turn=len(text)).samples
        for piece in np.array_split(samples, self.chunks):
            time.sleep(self.pause_s)
            yield piece

    def synthesise(self, text: str, language: Language, speaker: str) -> Speech:
        """The whole utterance."""
        return Speech(np.concatenate(list(self.stream(text, language, speaker))), self.sample_rate)


def recorded(folder: Path, per_voice: int = 24, split: str = "test") -> ToneCorpus:
    """A corpus of ``per_voice`` held-out recordings of each voice, in turn over the four languages."""
    corpus = ToneCorpus(folder)
    for speaker, voice in VOICES.items():
        for i in range(per_voice):
            speech = say(6 + i % 3, voice, turn=i)
            corpus.add(
                f"{speaker}_{i:03d}",
                speech.samples,
                symbols=(),
                speaker_id=speaker,
                language=("ko", "en", "ja", "zh")[i % 4],
                split=split,
            )
    return corpus
