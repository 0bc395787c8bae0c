"""Who may look at whom. True means: may attend, as scaled_dot_product_attention has it (the published
implementation's masks mean the opposite)."""

from __future__ import annotations

import torch
from torch import Tensor

from components.nn.masks import valid_positions


def prefix_mask(text_lengths: Tensor, longest_text: int, frames: int) -> Tensor:
    """Of the sequence [text | audio] that is generated from left to right.

    Text sees all text of its row and no audio: what it is turned into then never changes while audio grows,
    which is what a key-value cache relies on, and no answer leaks into the question in training. Audio sees
    all text, itself and the audio before. Padding lies at the end of each part; no one sees padded text, and
    padded audio lies after all that is real.

    Args:
        text_lengths: [B], at least 1 each.
        longest_text: L.
        frames: T.

    Returns:
        [B, L + T, L + T] bool, rows look at columns.
    """
    text = valid_positions(text_lengths, longest_text)
    batch, device = len(text), text.device
    to_text = text.unsqueeze(1).expand(batch, longest_text + frames, longest_text)
    causal = torch.ones(frames, frames, dtype=torch.bool, device=device).tril()
    nothing = torch.zeros(longest_text, frames, dtype=torch.bool, device=device)
    to_audio = torch.cat([nothing, causal]).expand(batch, -1, -1)
    return torch.cat([to_text, to_audio], dim=2)


def full_mask(text_lengths: Tensor, longest_text: int, frame_lengths: Tensor, frames: int) -> Tensor:
    """Of the sequence [text | audio] that is filled in at once: everything real is seen by all.

    Returns:
        [B, 1, L + T] bool; it broadcasts over the rows.
    """
    text, audio = valid_positions(text_lengths, longest_text), valid_positions(frame_lengths, frames)
    return torch.cat([text, audio], dim=1).unsqueeze(1)
