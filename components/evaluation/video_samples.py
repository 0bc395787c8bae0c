"""What a person looks at: one row a clip, and videos of the worst: real, rendered, and with a wrong sound."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.core.storage import atomic_folder, recover_folder, sha256_bytes, write_text
from components.data.csv_table import table_text
from components.data.video.mp4 import writing
from components.evaluation.lip_scores import ScoredClip
from components.evaluation.parquet import write_parquet
from components.evaluation.talking_clips import HeldOutClip
from components.features.pcm import as_pcm
from components.inference import MediaLabel
from components.inference.exact_clip import ExactClip, references_apart
from components.inference.label import write_sidecar
from components.inference.media_content import packets_sha256

CLIP_COLUMNS = (
    "sentence_id", "language", "text", "speaker", "duration_s", "latency_ms", "rank", "ssim", "l1",
    "lse_c", "lse_c_real", "lse_c_shuffled", "lse_d", "offset",
)  # fmt: skip
_WORDS = ("sentence_id", "language", "text", "speaker")
_VIDEOS = ("video_real", "video_made", "video_wrong")
#: The pictures themselves: an exported model has to render them again.
_EXACT = "exact"
INDEX_COLUMNS = (*CLIP_COLUMNS, "path", "reference", "fault", *_VIDEOS, _EXACT)


def write_clip_table(
    path: Path, parquet: Path, scored: Sequence[ScoredClip], fps: int, facts: Mapping[str, str]
) -> None:
    """One row a clip in their order, as CSV and as Parquet with ``facts``; an empty cell was not measured."""
    ranks = _ranks(scored)
    rows = [_row(one, ranks, fps) for one in scored]
    write_text(path, table_text(CLIP_COLUMNS, rows))
    write_parquet(parquet, CLIP_COLUMNS, rows, set(CLIP_COLUMNS) - set(_WORDS), facts)


def write_video_samples(
    folder: Path,
    scored: Sequence[ScoredClip],
    shown: int,
    label: Callable[[HeldOutClip], MediaLabel],
    fps: int,
    sample_rate: int,
    quality: int,
    apart: int,
) -> None:
    """``index.csv`` with every clip; of each of the ``shown`` worst three videos and the exact pictures.

    Args:
        folder: replaced as a whole.
        apart: ``evaluation.lip_sync.reference_frames``, with which they were rendered.
        label: clip → what a rendered video says of itself, within the file and beside it.
        quality: constant rate factor of H.264.

    Raises:
        StorageError: no space, or not writable.
    """
    ranks = _ranks(scored)
    recover_folder(folder)
    with atomic_folder(folder) as temporary:
        rows = []
        for number, one in enumerate(scored):
            names, exact = ["", "", ""], ""
            if ranks[one.clip.clip_id] <= shown:
                own, other = one.clip.samples, one.judgement.other.samples if one.judgement else None
                parts = ((one.clip.crops, own, None), (one.made, own, label), (one.made, other, label))
                for place, (pictures, samples, told) in enumerate(parts):
                    if samples is not None:
                        names[place] = f"{number:03d}-{_VIDEOS[place].removeprefix('video_')}.mp4"
                        said = told(one.clip) if told else None
                        _write(temporary / names[place], pictures, samples, said, fps, sample_rate, quality)
                exact = f"{number:03d}-{_EXACT}.npz"
                _exact(one, apart).write(temporary / exact)
                write_sidecar(temporary / exact, label(one.clip), sha256_bytes(one.made.tobytes()))
            rows.append([*_row(one, ranks, fps), "", "", "", *names, exact])
        write_text(temporary / "index.csv", table_text(INDEX_COLUMNS, rows))


def _exact(one: ScoredClip, apart: int) -> ExactClip:
    crops = one.clip.crops
    return ExactClip(crops, references_apart(len(crops), apart), as_pcm(one.clip.samples), one.made)


def _write(
    path: Path,
    pictures: NDArray[np.uint8],
    samples: NDArray[np.float32],
    label: MediaLabel | None,
    fps: int,
    sample_rate: int,
    quality: int,
) -> None:
    """One video; None: a recording, which needs no label."""
    container = label.container() if label else {}
    with writing(path, fps, sample_rate, container, quality) as writer:
        for number, image in enumerate(pictures):
            first, last = (frame * sample_rate // fps for frame in (number, number + 1))
            writer.write(image, samples[first:last])
    if label:
        write_sidecar(path, label, packets_sha256(path))


def _ranks(scored: Sequence[ScoredClip]) -> dict[str, int]:
    """The worst first: by LSE-C, without a judge by SSIM."""
    worst = sorted(
        scored,
        key=lambda one: (one.judgement.made.lse_c if one.judgement else one.likeness.ssim, one.clip.clip_id),
    )
    return {one.clip.clip_id: rank for rank, one in enumerate(worst, start=1)}


def _row(one: ScoredClip, ranks: dict[str, int], fps: int) -> list[str]:
    clip, found = one.clip, one.judgement
    judged = ["", "", "", "", ""]
    if found is not None:
        figures = (found.made.lse_c, found.real.lse_c, found.wrong.lse_c, found.made.lse_d)
        judged = [*(f"{value:.4f}" for value in figures), str(found.made.offset)]
    return [
        clip.clip_id, clip.language, clip.text, clip.speaker, f"{clip.seconds(fps):.3f}",
        f"{one.latency.total_ms:.2f}", str(ranks[clip.clip_id]), f"{one.likeness.ssim:.4f}",
        f"{one.likeness.l1:.4f}", *judged,
    ]  # fmt: skip
