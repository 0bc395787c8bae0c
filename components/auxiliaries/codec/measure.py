"""Held-out figures of a delivered codec: copies of test clips, and how its codebooks are used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from components.auxiliaries.codec.clips import ClipStore
from components.auxiliaries.codec.params import Section
from components.auxiliaries.codec.trained import TrainedCodec, load
from components.core.errors import NothingScoredError
from components.core.progress import Progress
from components.features.mel import log_mel, magnitudes
from components.features.pitch import f0_where_voiced
from components.features.recorded_clips import spread

_GROSS_CENTS = 100.0


def measure(
    section: Section, delivered: Path, features: Path, device: torch.device, progress: Progress
) -> Mapping[str, float]:
    """Copy synthesis: encode, decode, compare.

    Returns:
        ``mel_l1`` (mean absolute difference of log-mel values, nepers), ``gross_f0_error`` (share of frames
        voiced in both that are more than a semitone off), ``voicing_error`` (share of frames voiced in one
        only), ``perplexity_<q>`` of each codebook (effective number of codewords), ``n`` clips.

    Raises:
        NothingScoredError: no test clip, or no frame that is voiced in a recording and its copy.
    """
    codec, store = load(delivered, device), ClipStore(features)
    rows = spread(store.of_split("test"), section.training.validation_clips)
    copies = [_compared(codec, store.waveform(row)) for row in progress.track(rows, len(rows), "clips")]
    frames, voiced, gross, voicing, distance = (
        sum(getattr(copy, name) for copy in copies)
        for name in ("frames", "voiced", "gross", "voiced_in_one", "distance")
    )
    if not voiced:
        raise NothingScoredError(
            who="copy synthesis by the codec",
            expected="test clips, and frames voiced in a recording and its copy",
            found=f"{len(rows)} clips, no such frame",
            action="listen to a copy; it may be silent",
        )
    codes = torch.cat([copy.codes for copy in copies], dim=1)
    return {
        "mel_l1": distance / frames,
        "gross_f0_error": gross / voiced,
        "voicing_error": voicing / frames,
        **{f"perplexity_{number}": _perplexity(row) for number, row in enumerate(codes)},
        "n": float(len(rows)),
    }


@dataclass(frozen=True)
class _Copy:
    """A clip and its copy: frames, those voiced in both, grossly off, voiced in one; codes [Q, T]."""

    frames: int
    voiced: int
    gross: int
    voiced_in_one: int
    distance: float
    codes: torch.Tensor


def _compared(codec: TrainedCodec, samples: NDArray[np.float32]) -> _Copy:
    analysis = codec.analysis
    codes = codec.encode(torch.from_numpy(samples)[None])
    copy = codec.decode(codes)[0, : len(samples)].cpu().numpy()
    theirs, ours = (log_mel(magnitudes(one, analysis), analysis) for one in (samples, copy))
    there, here = (
        f0_where_voiced(one, analysis.sample_rate, analysis.hop_length, codec.pitch)
        for one in (samples, copy)
    )
    both = (there > 0) & (here > 0)
    cents = 1200.0 * np.abs(np.log2(here[both] / there[both]))
    distance = float(np.abs(ours - theirs).mean(axis=1).sum())
    in_one = int(((there > 0) != (here > 0)).sum())
    gross = int((cents > _GROSS_CENTS).sum())
    return _Copy(len(theirs), int(both.sum()), gross, in_one, distance, codes[0].cpu())


def _perplexity(codes: torch.Tensor) -> float:
    shares = torch.bincount(codes).double() / len(codes)
    held = shares[shares > 0]
    return float(torch.exp(-(held * held.log()).sum()))
