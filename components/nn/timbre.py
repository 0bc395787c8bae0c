"""What a codec loses of a voice, and the average sound that gives some of it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

_LEAST_FRAMES = 10
"""Voiced ones; an average over fewer says more of the sounds than of the voice."""


@dataclass(frozen=True)
class Frames:
    """A prompt beside a codec's copy of it, for a network that hears both; [B, T, …] of B prompts.

    Attributes:
        mel, copy: [B, T, n_mels] ln amplitudes.
        log_f0, copy_log_f0: [B, T] ln Hz.
        voiced: [B, T] bool, in both.
    """

    mel: Tensor
    copy: Tensor
    log_f0: Tensor
    copy_log_f0: Tensor
    voiced: Tensor


@dataclass(frozen=True)
class Timbre:
    """How a voice sounds on average where it is voiced.

    Attributes:
        mel: [n_mels] mean of ln amplitudes.
        log_f0: median ln Hz.
        lost: root mean square over the mel bins of what the mean of a codec's copy misses, in nepers. Small
            for voices that the codec has learned, several times as large for others.
        frames: of one prompt; None where no network asks for them.
    """

    mel: Tensor
    log_f0: float
    lost: float
    frames: Frames | None = None

    @classmethod
    def of(cls, mel: Tensor, copy: Tensor, log_f0: Tensor, voiced: Tensor) -> Timbre | None:
        """From a recording and a codec's copy of it.

        Args:
            mel: [T, n_mels] ln amplitudes of the recording.
            copy: [T, n_mels] those of the copy.
            log_f0: [T] ln Hz.
            voiced: [T] bool, in both.

        Returns:
            None where too little is voiced.
        """
        if int(voiced.sum()) < _LEAST_FRAMES:
            return None
        missed = (mel[voiced] - copy[voiced]).mean(dim=0)
        lost = float(missed.square().mean().sqrt())
        return cls(mel[voiced].mean(dim=0).cpu(), float(log_f0[voiced].median()), lost)


class Change(Protocol):
    """What brings speech nearer to a voice. Fixed: a stream changes every chunk alike."""

    def applied(self, mel: Tensor, log_f0: Tensor, voicing: Tensor) -> tuple[Tensor, Tensor]:
        """The changed mel and pitch.

        Args:
            mel: [B, T, n_mels] ln amplitudes as a codec has them.
            log_f0: [B, T] ln Hz.
            voicing: [B, T] probability.
        """


@dataclass(frozen=True)
class Shift:
    """A `Change`: what is added to every frame, [n_mels] to ln amplitudes, and to ln Hz."""

    mel: Tensor
    log_f0: float

    def applied(self, mel: Tensor, log_f0: Tensor, voicing: Tensor) -> tuple[Tensor, Tensor]:
        """See `Change.applied`."""
        return mel + self.mel, log_f0 + self.log_f0


def shift_towards(timbre: Timbre, mel: Tensor, log_f0: Tensor, voiced: Tensor, share: float) -> Shift | None:
    """The shift after which speech has the average of a voice where it is voiced.

    Long-term average spectra are matched, as one does by ear with an equaliser; frames keep their differences
    from each other, so what is said stays.

    Args:
        timbre: of the voice.
        mel: [T, n_mels] ln amplitudes of the speech.
        log_f0: [T] ln Hz.
        voiced: [T] bool.
        share: of the way, 0 … 1.

    Returns:
        None where too little is voiced to know its average, or nothing is asked for.
    """
    if share <= 0.0 or int(voiced.sum()) < _LEAST_FRAMES:
        return None
    told = mel[voiced].mean(dim=0)
    higher = timbre.log_f0 - float(log_f0[voiced].median())
    return Shift(share * (timbre.mel.to(told.device) - told), share * higher)


def share_of(timbre: Timbre, none_below: float, whole_above: float) -> float:
    """How far to go by what the codec lost: nothing to ``none_below`` nepers, all from ``whole_above``."""
    return min(1.0, max(0.0, (timbre.lost - none_below) / (whole_above - none_below)))
