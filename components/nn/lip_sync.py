"""What lip sync is made of, for the rooms that use it: crops and a recording in, crops that speak out."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from components.core.params import ModelSection


class LipSynchroniser(Protocol):
    """A delivered lip-sync model, ready to render."""

    fps: int
    """Video frames a second that it renders."""
    sample_rate: int
    """Hz of what it hears."""
    image_size: int
    """Side of a crop, pixels."""
    batch_frames: int
    """Frames that are best rendered at a time."""
    device: torch.device
    dtype: str
    weights_sha256: str
    expert_sha256: str
    """Of the network that was its loss; who judges it must be another."""

    def video_frames(self, samples: int) -> int:
        """Video frames until a sound of that many samples has ended."""

    def faces(
        self,
        crops: NDArray[np.uint8],
        samples: NDArray[np.int16],
        frames: NDArray[np.int64],
        references: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.uint8]:
        """The faces, saying what is heard at their time.

        Args:
            crops: [B, S, S, 3] RGB.
            samples: [N] of the whole recording, mono; may be a memory map. Beyond it is silence.
            frames: [B] numbers of the crops' video frames.
            references: [B, S, S, 3] of the same face, to look like; None: the crops themselves.

        Returns:
            [B, S, S, 3] RGB; the same for a frame whatever else is in the batch.
        """


class LipSyncLoader(Protocol):
    """From a delivered folder to a lip synchroniser, everything checked."""

    def __call__(self, section: ModelSection, delivered: Path, device: torch.device) -> LipSynchroniser:
        """A lip synchroniser.

        Raises:
            CorruptFileError, DataError: weights that are damaged or missing.
        """
