"""What a content encoder offers, which one is meant, and the refusal of another one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from components.core.errors import ConfigError

NAME = "content"
#: ``checkpoint`` of the weights that `make pretrain MODEL=content` delivers; anything else is a hub id.
SHIPPED = f"pretrained/{NAME}"

#: ``checkpoint`` of seeded weights that learned nothing: for tests of the path, never for a voice.
UNTRAINED = "untrained"


@dataclass(frozen=True)
class Choice:
    """Which encoder a conversion hears with: ``models.rvc.architecture.content_encoder``.

    Attributes:
        label: what the research log calls it.
        checkpoint: ``pretrained/content``, a hub id, a local folder in the hub's layout, or ``untrained``.
        layer: whose output is the feature; 1 is the first transformer layer.
        dim: width of a feature, for the check.
    """

    label: str
    checkpoint: str
    layer: int
    dim: int


class ContentEncoder(Protocol):
    """Speech → features of its content, deterministic.

    Attributes:
        label: what the research log calls it.
        dim: width of a feature.
        sample_rate: 16,000 Hz.
        stride: 320 samples between features: 50 a second.
        sha256: of weights, architecture and layer. Part of the key of stored features and of a checkpoint:
            features of one encoder are noise to a network that learned another's; see `require_same`.
        weights_sha256: of the weights alone, for the evidence.
        device: where it computes.
    """

    label: str
    dim: int
    sample_rate: int
    stride: int
    sha256: str
    weights_sha256: str
    device: torch.device

    def frames(self, samples: int) -> int:
        """Features of that many samples: ``(N - 400) // 320 + 1``; 0 for less than 400 samples."""

    def features(self, samples: NDArray[np.float32]) -> Tensor:
        """All features of a recording.

        Args:
            samples: [N] mono float32 at 16 kHz, N ≥ 400 (25 ms).

        Returns:
            [T, dim] float32 on ``device``, T = ``frames(N)``; feature t hears samples 320 t … 320 t + 399
            and, through the transformer, what is around it.

        Raises:
            DataError: not mono, too short, NaN or infinite.
        """

    def chunks(self, samples: NDArray[np.float32]) -> Iterator[Tensor]:
        """The same in pieces [t, dim], so that an hour needs the memory of one piece."""


def require_same(encoder: ContentEncoder, sha256: str, who: str) -> None:
    """Refuse an encoder other than the one that something was made with.

    Args:
        encoder: the one at hand.
        sha256: what features or a checkpoint were made with.
        who: whose features or checkpoint, for the message.

    Raises:
        ConfigError: it is another one.
    """
    if encoder.sha256 != sha256:
        raise ConfigError(
            who=who,
            expected=f"the content encoder {sha256[:12]}… that it was made with",
            found=f"{encoder.label} {encoder.sha256[:12]}…",
            action="use that encoder, or compute the features and train again with this one",
        )
