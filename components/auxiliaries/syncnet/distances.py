"""How far lips and sound are apart at every shift between them: LSE-D, LSE-C and the offset of a clip."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from components.core.errors import NothingScoredError


@dataclass(frozen=True)
class SyncScore:
    """Of one clip.

    Attributes:
        lse_d: smallest mean distance over all shifts; lower is better.
        lse_c: median over shifts minus the smallest; higher is better, 0 means that no shift stands out.
        offset: the shift of the smallest, video frames; positive: the sound has to come later to fit.
        windows: how many were compared.
    """

    lse_d: float
    lse_c: float
    offset: int
    windows: int


def sync_score(seen: Tensor, heard: Tensor, reach: int, who: str) -> SyncScore:
    """Chung and Zisserman 2016, section 5, as Prajwal et al. 2020 (section 4.2) report it.

    Differs: embeddings have length 1 here, so distances lie in [0, √2] and are no published network's
    (6 to 8 there); windows that would look beyond the clip are left out instead of padded.

    Args:
        seen: [N, E] embeddings of the windows that begin at frames 0 … N - 1.
        heard: [N, E] of the sound of the same windows.
        reach: shifts from -reach to reach are tried, 15 in the paper; of a short clip one third.

    Raises:
        NothingScoredError: no window.
    """
    count = min(len(seen), len(heard))
    reach = min(reach, count // 3)
    if count == 0 or reach == 0:
        raise NothingScoredError(
            who=who,
            expected="at least 3 windows to shift against each other",
            found=str(count),
            action="give longer clips with a face",
        )
    means = []
    for shift in range(-reach, reach + 1):
        first, last = max(0, -shift), min(count, count - shift)
        apart = seen[first:last].double() - heard[first + shift : last + shift].double()
        means.append(apart.norm(dim=-1).mean())
    curve = torch.stack(means)
    best = int(curve.argmin())
    return SyncScore(
        lse_d=float(curve[best]),
        lse_c=float(curve.median() - curve[best]),
        offset=best - reach,
        windows=count,
    )
