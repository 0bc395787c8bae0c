"""A delivered SyncNet, ready to judge clips."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from components.auxiliaries.syncnet.distances import SyncScore, sync_score
from components.auxiliaries.syncnet.network import SyncNet
from components.auxiliaries.syncnet.params import Architecture
from components.core.errors import ConfigError
from components.features.lip_mel import LipHearing, heard_at
from components.features.mel import MelAnalysis
from components.nn.delivered import read_delivered

SYNCNET, JUDGE = "syncnet", "sync_judge"
"""The one that is a loss, and the one that judges and never was a loss."""
REACH = 15
"""Shifts that are tried, video frames to either side (Chung and Zisserman 2016, section 5)."""
_BATCH = 32


def hearing_of(architecture: Architecture, log_floor: float) -> LipHearing:
    """How a SyncNet of that architecture hears."""
    return LipHearing(
        mel=MelAnalysis.of(architecture, log_floor),
        preemphasis=architecture.preemphasis,
        fps=architecture.fps,
        window=architecture.mel_window_frames,
        span=architecture.video_window_frames,
    )


def card_of(architecture: Architecture, hearing: LipHearing) -> dict[str, Any]:
    """What is delivered beside the weights."""
    return {"architecture": architecture.model_dump(mode="json"), "hearing": asdict(hearing)}


class LoadedSyncNet:
    """See `load`."""

    def __init__(self, network: SyncNet, hearing: LipHearing, name: str, sha256: str) -> None:
        self.network, self.hearing = network, hearing
        self.architecture = network.architecture
        self.name, self.sha256 = name, sha256

    @torch.inference_mode()
    def embeddings(self, crops: NDArray[np.uint8], mel: NDArray[np.float32]) -> tuple[Tensor, Tensor]:
        """Of a clip's windows that begin at frames 0 … T - 5.

        Args:
            crops: [T, S, S, 3] RGB, a face in every one.
            mel: [M, n_mels].

        Returns:
            seen [N, E] and heard [N, E], on the CPU.
        """
        span, device = self.hearing.span, next(self.network.parameters()).device
        seen, heard = [torch.zeros(0)], [torch.zeros(0)]
        for first in range(0, len(crops) - span + 1, _BATCH):
            starts = range(first, min(first + _BATCH, len(crops) - span + 1))
            faces = np.stack([crops[start : start + span] for start in starts])
            sounds = np.stack([heard_at(mel, self.hearing.start(start), self.hearing) for start in starts])
            pictures = torch.from_numpy(faces).to(device).permute(0, 1, 4, 2, 3).float() / 255.0
            seen.append(self.network.see(pictures).cpu())
            heard.append(self.network.hear(torch.from_numpy(sounds).to(device)).cpu())
        return torch.cat(seen[1:] or seen), torch.cat(heard[1:] or heard)

    def score(self, crops: NDArray[np.uint8], mel: NDArray[np.float32], who: str) -> SyncScore:
        """LSE-D, LSE-C and offset of a clip; see `distances.sync_score`.

        Raises:
            NothingScoredError: too short a clip.
        """
        return sync_score(*self.embeddings(crops, mel), REACH, who)


def load(delivered: Path, name: str, device: torch.device) -> LoadedSyncNet:
    """A delivered SyncNet of that name.

    Raises:
        DataError, CorruptFileError: see `read_delivered`.
    """
    found = read_delivered(delivered, name)
    architecture = Architecture.model_validate(found.card["architecture"])
    network = SyncNet(architecture)
    network.load_state_dict(dict(found.weights))
    values = dict(found.card["hearing"])
    hearing = LipHearing(MelAnalysis(**values.pop("mel")), **values)
    return LoadedSyncNet(network.to(device).eval().requires_grad_(False), hearing, name, found.sha256)


def require_same_hearing(loaded: LoadedSyncNet, hearing: LipHearing, image_size: int, who: str) -> None:
    """Refuse a SyncNet of other windows, mels or image size.

    Raises:
        ConfigError: it is another one.
    """
    if (loaded.hearing, loaded.network.size) != (hearing, image_size):
        raise ConfigError(
            who=who,
            expected=f"a {loaded.name} of {image_size} pixels and {hearing}",
            found=f"one of {loaded.network.size} pixels and {loaded.hearing}",
            action=f"run make pretrain MODEL={loaded.name} with these parameters",
        )
