"""Which frames are hidden: spans that begin anywhere and may overlap."""

from __future__ import annotations

import torch
from torch import Tensor

from components.auxiliaries.content.params import Masking


def span_mask(frames: int, masking: Masking, generator: torch.Generator | None = None) -> Tensor:
    """Spans of frames (wav2vec 2.0, Baevski et al. 2020, section 3.1; HuBERT takes them over).

    ``start_share`` of all frames are drawn as beginnings, without replacement; the next ``span_frames`` of
    each are hidden. At 0.08 and 10 this hides about 57 % of a long recording. At least one span is drawn, and
    in a recording shorter than two spans it covers half.

    Args:
        frames: length, > 0.
        masking: how many and how long.
        generator: None draws from the global one.

    Returns:
        [frames] bool, True where hidden.
    """
    span = min(masking.span_frames, max(1, frames // 2))
    places = frames - span + 1
    chance = float(torch.rand((), generator=generator))
    count = min(places, max(1, int(masking.start_share * frames + chance)))
    starts = torch.randperm(places, generator=generator)[:count]
    mask = torch.zeros(frames, dtype=torch.bool)
    mask[(starts[:, None] + torch.arange(span)).flatten()] = True
    return mask
