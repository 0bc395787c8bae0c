"""What a data version sounds like, from a sample of it: seconds of work, whatever its size."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.core.drift import DataProfile
from components.core.parallel import map_in_processes
from components.core.params.review import DriftParams
from components.core.progress import Progress
from components.core.utterance import Utterance
from components.data.corpus import Corpus
from components.features.pitch import PitchAnalysis, f0_where_voiced

_FRAME_S, _F0_PERIOD_S = 0.02, 0.01
_LOUD, _QUIET, _QUIETEST_DBFS = 0.9, 0.1, -90.0


def profile(
    corpora: Sequence[Corpus],
    data_md5: str,
    sample: DriftParams,
    pitch: PitchAnalysis,
    seed: int,
    workers: int,
    progress: Progress,
) -> DataProfile:
    """The profile of ``corpora``.

    A recording is in the sample by the hash of its id, so two versions that share recordings share sampled
    ones, and a version has one profile.

    Args:
        corpora: read from their manifests.
        data_md5: of the version.
        sample: how many rows and recordings.
        pitch: how f0 is found.
        seed: another one samples others.
        workers: processes that listen.
        progress: gets a bar.

    Raises:
        DataError: a manifest that cannot be read. A recording that cannot be is left out.
    """
    rows = [(corpus, row) for corpus in corpora for row in corpus.rows]
    rows.sort(key=lambda one: _hash(seed, one[1]))
    files = [corpus.audio(row) for corpus, row in rows[: sample.recordings]]
    listen = partial(heard, listen_s=sample.listen_s, pitch=pitch)
    sounds = list(map_in_processes(listen, files, workers, progress, "recordings"))
    return DataProfile(
        data_md5=data_md5,
        duration_s=tuple(row.duration_s for _, row in rows[: sample.rows]),
        f0_hz=tuple(f0 for f0, _ in sounds if f0 is not None),
        snr_db=tuple(snr for _, snr in sounds if snr is not None),
        languages=dict(sorted(Counter(row.language for _, row in rows).items())),
    )


def heard(file: Path, listen_s: float, pitch: PitchAnalysis) -> tuple[float | None, float | None]:
    """Median f0 (Hz) and the SNR estimate (dB) of the middle ``listen_s`` of a recording; None: not there."""
    import soundfile

    try:
        with soundfile.SoundFile(file) as audio:
            rate, wanted = int(audio.samplerate), int(listen_s * audio.samplerate)
            audio.seek(max(0, (audio.frames - wanted) // 2))
            samples = audio.read(wanted, dtype="float32", always_2d=True).mean(axis=1)
    except (OSError, soundfile.LibsndfileError):
        return None, None
    if samples.size < rate * _FRAME_S or not np.isfinite(samples).all():
        return None, None
    f0 = f0_where_voiced(samples, rate, max(1, round(rate * _F0_PERIOD_S)), pitch)
    voiced = f0[f0 > 0]
    return (float(np.median(voiced)) if voiced.size else None), signal_to_noise_db(samples, rate)


def signal_to_noise_db(samples: NDArray[np.float32], rate: int) -> float:
    """Level of the loud 20 ms frames (90th percentile) over that of the quiet ones (10th), dB.

    An estimate without a reference: pauses are taken for the noise. Digital silence counts as -90 dBFS.

    Args:
        samples: [N], at least one frame.
        rate: Hz.
    """
    frame = max(1, round(rate * _FRAME_S))
    whole = samples[: len(samples) // frame * frame].reshape(-1, frame).astype(np.float64)
    levels = 10 * np.log10(np.maximum((whole**2).mean(axis=1), 10 ** (_QUIETEST_DBFS / 10)))
    return float(np.quantile(levels, _LOUD) - np.quantile(levels, _QUIET))


def _hash(seed: int, row: Utterance) -> str:
    return hashlib.sha256(f"{seed}:{row.utterance_id}".encode()).hexdigest()
