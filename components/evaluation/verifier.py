"""The speaker verifier: the GE2E encoder of Resemblyzer, its own protocol, many clips in one forward.

Wan et al., "Generalized End-to-End Loss for Speaker Verification" (2018): an LSTM maps windows of 1.6 s to
unit vectors, an utterance is the renormalised mean of its windows (section 3.2). As in the package: volume
raised to -30 dBFS, long silences cut by WebRTC VAD, 1.3 windows a second, a last window kept from 75 %
coverage on, a clip below one window padded with zeros. Differs: windows of several clips share a batch.
"""

from __future__ import annotations

import importlib.metadata
import warnings
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from components.core.errors import EnvironmentFaultError
from components.core.metrics import Evaluator
from components.core.params.kpi import EvaluatorParams
from components.core.storage import sha256_path
from components.nn.contracts import Speech

Floats = NDArray[np.float32]

#: Below one window the encoder sees padding: recordings that short are no reference.
MIN_CLIP_S = 1.6
_WINDOWS_PER_SECOND = 1.3
_MIN_COVERAGE = 0.75
_WINDOWS_PER_FORWARD = 256
_ID = "resemblyzer-ge2e"


class SpeakerVerifier:
    """GE2E embeddings on the CPU, where every machine gives the same score."""

    def __init__(self, params: EvaluatorParams) -> None:
        """Load the weights that the wheel ships.

        Raises:
            EnvironmentFaultError: another verifier or version is configured than the installed one.
        """
        installed = importlib.metadata.version("resemblyzer")
        if (params.id, params.version) != (_ID, installed):
            raise EnvironmentFaultError(
                who="evaluation.speaker_verifier",
                expected=f"{_ID} {installed}, which is installed",
                found=f"{params.id} {params.version}",
                action="install the pinned requirements, or correct the parameter",
            )
        self._params = params
        resemblyzer = _resemblyzer()
        self._audio = resemblyzer.audio
        self._encoder = resemblyzer.VoiceEncoder("cpu", verbose=False)
        self._weights = Path(resemblyzer.__file__).parent / "pretrained.pt"

    @cached_property
    def identity(self) -> Evaluator:
        """Who judges: name, version and the weights' sha256."""
        return Evaluator(
            id=self._params.id,
            version=self._params.version,
            weights_sha256=sha256_path(self._weights),
            kind=self._params.kind,
        )

    def embed(self, clips: Sequence[Speech]) -> list[Floats | None]:
        """One unit vector [256] per clip, None where the VAD leaves nothing (no voice to judge).

        A clip shorter than `MIN_CLIP_S` is padded with zeros, as the package does; the caller counts those.
        """
        windows = [self._windows(clip) for clip in clips]
        stacked = [window for window in windows if window is not None]
        if not stacked:
            return [None] * len(clips)
        partials = self._forward(np.concatenate(stacked))  # [P, 256], clips one after the other
        embeddings: list[Floats | None] = []
        start = 0
        for window in windows:
            if window is None:
                embeddings.append(None)
                continue
            embeddings.append(unit(partials[start : start + len(window)].mean(axis=0)))
            start += len(window)
        return embeddings

    def _windows(self, clip: Speech) -> Floats | None:
        """Mel windows [P, 160, 40] of a clip (160 frames of 10 ms, 40 bands), None without voice."""
        wav = self._audio.preprocess_wav(clip.samples, source_sr=clip.sample_rate)
        if len(wav) == 0:
            return None
        wav_slices, mel_slices = self._encoder.compute_partial_slices(
            len(wav), rate=_WINDOWS_PER_SECOND, min_coverage=_MIN_COVERAGE
        )
        wav = np.pad(wav, (0, max(0, wav_slices[-1].stop - len(wav))))
        mel = self._audio.wav_to_mel_spectrogram(wav)
        return np.stack([mel[window] for window in mel_slices])

    def _forward(self, windows: Floats) -> Floats:
        with torch.inference_mode():
            parts = torch.split(torch.from_numpy(windows), _WINDOWS_PER_FORWARD)
            return np.concatenate([self._encoder(part).numpy() for part in parts])


def unit(vector: Floats) -> Floats:
    """``vector`` at length 1."""
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def _resemblyzer() -> Any:
    with warnings.catch_warnings():  # it imports pkg_resources and a moved scipy module; versions are pinned
        warnings.simplefilter("ignore")
        import resemblyzer
    return resemblyzer
