"""What voice conversion is made of, for the rooms that use it: an encoder of content, and a converter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from components.core.params import ModelSection
from components.nn.contracts import Auxiliaries, ModelSpec


class ContentEncoder(Protocol):
    """What is said, without who says it; the auxiliary network ``content`` offers this and more."""

    label: str
    dim: int
    sha256: str
    """Of everything its features depend on; a network understands the features of one encoder only."""
    device: torch.device
    """Where it computes; one on the CPU can be pickled, to travel to worker processes."""

    def features(self, samples: NDArray[np.float32]) -> Tensor:
        """[N ≥ 400] mono at 16 kHz → [(N - 400) // 320 + 1, dim], 50 a second."""


class Conversion(Protocol):
    """One recording on its way into another voice: samples at 16 kHz in, samples of the model's rate out."""

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """What became ready with these samples [N]; maybe nothing yet.

        Raises:
            DataError: not mono, NaN or infinite.
        """

    def finish(self) -> NDArray[np.float32]:
        """The rest. All that was given out is as long as what came in, to the sample."""


class ConvertingSpec(ModelSpec, Protocol):
    """The hooks of a model of the kind ``voice_conversion``."""

    def load_converter(
        self, section: ModelSection, delivered: Path, auxiliaries: Auxiliaries, device: torch.device
    ) -> VoiceConverter:
        """A delivered converter, everything checked.

        Raises:
            CorruptFileError, DataError, ConfigError: weights that are damaged, missing or do not fit.
        """


class VoiceConverter(Protocol):
    """A delivered voice conversion."""

    source_rate: int
    """Hz of what it hears: 16,000."""
    sample_rate: int
    """Hz of what it makes."""
    block_s: float
    """Seconds that a file is best handed over in."""
    chunk_s: float
    """Seconds of a live recording that a chunk holds."""
    lookahead_s: float
    """Seconds beyond a chunk that have to be heard before it is made: a listener waits for both."""
    speakers: tuple[str, ...]
    consents: Mapping[str, str]
    device: torch.device
    dtype: str
    weights_sha256: str

    def begin(self, speaker: str, semitones: float, live: bool) -> Conversion:
        """A new recording.

        Args:
            speaker: the target.
            semitones: what the source is transposed by, see `key`.
            live: short chunks, for a listener who waits; else long ones.

        Raises:
            DataError: unknown speaker.
        """

    def log_f0(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """ln Hz of the voiced frames of samples [N] at 16 kHz, for `key`."""

    def key(self, speaker: str, mean_log_f0: float | None) -> float:
        """Semitones from a source of that mean to the speaker's pitch; None: nothing voiced was heard."""
