"""What the network says of a batch, and what the recordings say."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from components.nn.contracts import Batch
from components.nn.length_regulation import average_by_duration


@dataclass(frozen=True)
class Prediction:
    """What the network says of a batch.

    Attributes:
        mel: [B, T, n_mels], natural log amplitude; meaningless beyond a row's frames.
        log_durations: [B, L], log(1 + frames).
        pitch: [B, L], log f0 standardised by the speaker; 0 where unvoiced.
        energy: [B, L], log(1 + energy).
        durations: [B, L] frames that the mel was laid out with.
        contour: [B, T], log f0 standardised by the speaker: the pitch of the frame's symbol, after control,
            plus the decoder's bend; meaningless where unvoiced.
        voicing: [B, T], log odds that a frame is voiced.
    """

    mel: Tensor
    log_durations: Tensor
    pitch: Tensor
    energy: Tensor
    durations: Tensor
    contour: Tensor
    voicing: Tensor


@dataclass(frozen=True)
class Targets:
    """What the recordings say.

    Attributes:
        mel: [B, T, n_mels].
        durations: [B, L] whole frames, summing to each row's frames.
        pitch: [B, L] mean standardised log f0 over a symbol's voiced frames, 0 where it has none.
        energy: [B, L] log(1 + mean energy).
        contour: [B, T] standardised log f0.
        voiced: [B, T] bool, real frames with an f0.
    """

    mel: Tensor
    durations: Tensor
    pitch: Tensor
    energy: Tensor
    contour: Tensor
    voiced: Tensor

    @classmethod
    def of(cls, batch: Batch, durations: Tensor, sounding: Tensor) -> Targets:
        """Frame values of a batch (see `dataset.collate`), averaged over learned ``durations`` [B, L].

        Args:
            sounding: [B, T] bool, real frames.
        """
        return cls(
            mel=batch["mel"],
            durations=durations,
            pitch=average_by_duration(batch["pitch"], durations, batch["voiced"]),
            energy=average_by_duration(batch["energy"], durations, sounding).log1p(),
            contour=batch["pitch"],
            voiced=batch["voiced"],
        )

    @property
    def varied(self) -> tuple[Tensor, Tensor, Tensor]:
        """Pitch, energy and durations, as the decoder takes them."""
        return self.pitch, self.energy, self.durations
