"""Every layer's features of many clips, computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import HubertModel

from components.auxiliaries.content.clips import ClipStore, StoredClip
from components.core.progress import Progress


@dataclass(frozen=True)
class Layers:
    """Features by clip id, [layers, T, dim] as float16."""

    found: Mapping[str, NDArray[np.float16]]

    def of(self, layer: int) -> Callable[[StoredClip], NDArray[np.float32]]:
        """A clip's features [T, dim] of one layer; 1 is the first."""
        return lambda row: self.found[row.clip_id][layer - 1].astype(np.float32)


@torch.no_grad()
def layers_of(
    network: HubertModel, store: ClipStore, rows: Sequence[StoredClip], progress: Progress, note: str
) -> Layers:
    """All layers of whole clips; memory holds them all, so give it a few hundred clips."""
    network.eval()
    device = next(network.parameters()).device
    found = {}
    for row in progress.track(rows, len(rows), note):
        heard = torch.from_numpy(store.waveform(row)).to(device)[None]
        states = network(heard, output_hidden_states=True).hidden_states
        found[row.clip_id] = torch.cat(states[1:]).cpu().numpy().astype(np.float16)
    return Layers(found)
