"""A delivered Wav2Lip at work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from components.core.params import ModelSection, narrowed
from components.features.lip_mel import heard_at, lip_mel
from components.models.wav2lip.delivery import GENERATOR_PREFIX, DeliveredWav2Lip
from components.models.wav2lip.network import Generator, hidden_below
from components.models.wav2lip.params import Section
from components.nn.device import cpu_threads
from components.nn.lip_sync import LipSynchroniser


class Wav2LipRenderer:
    """See `components.nn.lip_sync.LipSynchroniser`.

    The reference of a frame is the frame itself, as upstream's, unless others are given; in training it is
    another one, so what the mouth does there is not copied.
    """

    def __init__(self, section: Section, delivered: Path, device: torch.device) -> None:
        found = DeliveredWav2Lip.read(delivered)
        self._hearing, architecture = found.card.hearing, found.card.architecture
        self._generator = Generator(architecture, found.card.tower)
        self._generator.load_state_dict(found.part(GENERATOR_PREFIX))
        self._generator.to(device).eval().requires_grad_(False)
        self.fps, self.image_size = self._hearing.fps, architecture.image_size
        self.sample_rate = self._hearing.mel.sample_rate
        self.batch_frames, self._threads = section.inference.batch_frames, section.inference.cpu_threads
        self.device, self.dtype, self.weights_sha256 = device, "float32", found.sha256
        self.expert_sha256 = found.card.syncnet_sha256

    def video_frames(self, samples: int) -> int:
        """See the protocol."""
        return self._hearing.video_frames(samples)

    @torch.inference_mode()
    def faces(
        self,
        crops: NDArray[np.uint8],
        samples: NDArray[np.int16],
        frames: NDArray[np.int64],
        references: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.uint8]:
        """See the protocol."""
        if not len(crops):
            return crops
        starts = [self._hearing.centred_start(int(frame)) for frame in frames]
        first, last = min(starts), max(starts) + self._hearing.window
        mel = lip_mel(samples, first, last, self._hearing)
        heard = np.stack([heard_at(mel, start - first, self._hearing) for start in starts])
        if references is None and bool((crops == crops[:1]).all()):
            crops = crops[:1]  # a still
        faces = self._pictures(crops)
        like = faces if references is None else self._pictures(references)
        pictures = torch.cat([hidden_below(faces), like], dim=1)
        with cpu_threads(self._threads):
            made = self._generator(pictures, torch.from_numpy(heard).to(self.device))
        whole = (made * 255.0).round().clamp(0, 255).to(torch.uint8)
        rendered: NDArray[np.uint8] = whole.permute(0, 2, 3, 1).contiguous().cpu().numpy()
        return rendered

    def _pictures(self, crops: NDArray[np.uint8]) -> Tensor:
        """[B, S, S, 3] → [B, 3, S, S] in [0, 1]."""
        return torch.from_numpy(crops).to(self.device).permute(0, 3, 1, 2).float() / 255.0


def load_lip_sync(section: ModelSection, delivered: Path, device: torch.device) -> LipSynchroniser:
    """A delivered Wav2Lip, ready to render.

    Raises:
        CorruptFileError: the weights are not the ones that were delivered.
        DataError: no delivered Wav2Lip there.
    """
    return Wav2LipRenderer(narrowed(section, Section), delivered, device)
