"""The signal analyses of RVC, as its parameters say."""

from __future__ import annotations

from components.features.mel import MelAnalysis
from components.models.rvc.params import Architecture


def mel_analysis(architecture: Architecture, log_floor: float) -> MelAnalysis:
    """The mel that the loss compares; ``log_floor`` is audio's."""
    return MelAnalysis(
        sample_rate=architecture.sample_rate_hz,
        n_fft=architecture.n_fft,
        hop_length=architecture.hop_length,
        win_length=architecture.win_length,
        n_mels=architecture.n_mels,
        fmin=architecture.fmin_hz,
        fmax=architecture.fmax_hz,
        log_floor=log_floor,
    )
