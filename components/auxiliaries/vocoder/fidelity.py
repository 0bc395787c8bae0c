"""How near a vocoder's audio comes to the recording whose mel it was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.core.errors import DataError, NothingScoredError
from components.features.mel import MelAnalysis, log_mel, magnitudes
from components.features.pitch import PitchAnalysis, f0

Floats = NDArray[np.float32]

GROSS_CENTS = 100.0
"""A semitone: a voiced frame that is further off counts as a gross error."""


@dataclass(frozen=True)
class Fidelity:
    """Of one clip, or of many added up.

    Attributes:
        mel_distance: sum over frames of the mean absolute difference of log-mel values.
        frames: compared.
        gross: frames voiced in both whose f0 is more than `GROSS_CENTS` off.
        voiced: frames voiced in both.
        voicing: frames voiced in one only.
    """

    mel_distance: float
    frames: int
    gross: int
    voiced: int
    voicing: int

    def __add__(self, other: Fidelity) -> Fidelity:
        """Both together."""
        return Fidelity(
            self.mel_distance + other.mel_distance,
            self.frames + other.frames,
            self.gross + other.gross,
            self.voiced + other.voiced,
            self.voicing + other.voicing,
        )

    def figures(self) -> Mapping[str, float]:
        """``mel_l1`` (natural log amplitude), ``gross_f0_error`` and ``voicing_error`` (shares of frames).

        Raises:
            NothingScoredError: no frame is voiced in both, so there is no f0 to compare.
        """
        if self.voiced == 0:
            raise NothingScoredError(
                who="copy synthesis",
                expected="frames that are voiced in the recording and in the copy",
                found=f"none in {self.frames}",
                action="listen to the copy; it may be silent",
            )
        return {
            "mel_l1": self.mel_distance / self.frames,
            "gross_f0_error": self.gross / self.voiced,
            "voicing_error": self.voicing / self.frames,
        }


def fidelity(
    mel: Floats, pitch: Floats, copy: Floats, analysis: MelAnalysis, pitch_analysis: PitchAnalysis
) -> Fidelity:
    """Compare a copy with what is known of the recording.

    Args:
        mel: [T, n_mels] of the recording.
        pitch: [T] Hz of the recording, 0 where unvoiced, by ``pitch_analysis``.
        copy: samples [N] at the same rate.

    Raises:
        DataError: a copy that is too short or not finite.
    """
    copied_mel = log_mel(magnitudes(copy, analysis), analysis)
    copied_pitch = _pitch(copy, analysis, pitch_analysis)
    frames = min(len(mel), len(copied_mel))
    ours, theirs = copied_pitch[:frames], pitch[:frames]
    both = (ours > 0) & (theirs > 0)
    cents = 1200.0 * np.abs(np.log2(ours[both] / theirs[both]))
    return Fidelity(
        mel_distance=float(np.abs(copied_mel[:frames] - mel[:frames]).mean(axis=1).sum()),
        frames=frames,
        gross=int((cents > GROSS_CENTS).sum()),
        voiced=int(both.sum()),
        voicing=int(((ours > 0) != (theirs > 0)).sum()),
    )


def mean_fidelity(parts: Sequence[Fidelity]) -> Mapping[str, float]:
    """The figures of all clips together, every frame counting the same, and ``n`` clips.

    Raises:
        NothingScoredError: no clip, or none with a common voiced frame.
    """
    whole = sum(parts, Fidelity(0.0, 0, 0, 0, 0))
    return {**whole.figures(), "n": float(len(parts))}


def _pitch(copy: Floats, analysis: MelAnalysis, pitch: PitchAnalysis) -> Floats:
    """f0 of a copy; one without a voiced frame is all unvoiced here, not an error: it is a bad copy."""
    if not np.all(np.isfinite(copy)):
        raise DataError(
            who="copy synthesis",
            expected="finite samples",
            found=f"{int((~np.isfinite(copy)).sum())} NaN or infinite",
            action="look at the vocoder's weights and at the mel",
        )
    try:
        return f0(copy, analysis.sample_rate, analysis.hop_length, pitch)
    except DataError:
        return np.zeros(analysis.frames(len(copy)), dtype=np.float32)
