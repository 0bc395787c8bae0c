"""A voice converter without a network: the target says the same number of words, as long as the source."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import soxr
import torch
from espeak_voices import VOICES, say
from numpy.typing import NDArray

from components.core.errors import DataError

RATE = 16000


class Passing:
    """Gives what it hears; nothing before a chunk and what lies beyond it were heard. Like a deaf network."""

    def __init__(self, wait: int, pause_s: float = 0.0) -> None:
        self._kept, self._wait, self._pause = np.zeros(0, np.float32), wait, pause_s

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        self._kept = np.concatenate([self._kept, samples])
        ready = max(0, len(self._kept) - self._wait)
        made, self._kept = self._kept[:ready], self._kept[ready:]
        if ready:
            time.sleep(self._pause)
        return made

    def finish(self) -> NDArray[np.float32]:
        return self._kept


class Replacing(Passing):
    """Gives the target's voice instead, cut or filled to the source's length."""

    def __init__(self, speaker: str) -> None:
        super().__init__(0)
        self._speaker, self._length = speaker, 0

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        self._length += len(samples)
        return np.zeros(0, np.float32)

    def finish(self) -> NDArray[np.float32]:
        speech = say(12, VOICES[self._speaker])
        samples = soxr.resample(speech.samples, speech.sample_rate, RATE)
        return np.resize(samples, self._length).astype(np.float32)


@dataclass
class EspeakConverter:
    """See `components.nn.conversion.VoiceConverter`. ``deaf``: gives the source back; ``refused``: raises."""

    speakers: tuple[str, ...] = tuple(VOICES)
    consents: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(VOICES, "c1"))
    deaf: bool = False
    refused: frozenset[str] = frozenset()
    pause_s: float = 0.0
    source_rate: int = RATE
    sample_rate: int = RATE
    block_s: float = 20.0
    chunk_s: float = 0.2
    lookahead_s: float = 0.12
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    dtype: str = "float32"
    weights_sha256: str = "w" * 64
    keys: list[float | None] = field(default_factory=list)

    def begin(self, speaker: str, semitones: float, live: bool) -> Passing:
        if speaker in self.refused:
            raise DataError(who=speaker, expected="a speaker I like", found="this one", action="none, a test")
        if live:
            return Passing(round(self.lookahead_s * RATE), self.pause_s)
        return Passing(0) if self.deaf else Replacing(speaker)

    def log_f0(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.full(9, 5.0, np.float32)

    def key(self, speaker: str, mean_log_f0: float | None) -> float:
        self.keys.append(mean_log_f0)
        return 0.0
