"""The normalising flow between a speaker's latent vectors and the prior, which knows no speaker."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from components.models.rvc.params import Architecture
from components.models.rvc.wavenet import WaveNet


class Flow(nn.Module):
    """Mean-only coupling layers with flips between them (Kim, Kong and Son 2021, section 2.1.3).

    Volume-preserving: its Jacobian determinant is 1, so the KL divergence needs no correction. A flip turns
    the order of the channels round, so that each half is moved in turn.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.couplings = nn.ModuleList(Coupling(architecture) for _ in range(architecture.flow_blocks))

    def forward(self, z: Tensor, valid: Tensor, condition: Tensor) -> Tensor:
        """A speaker's latent vectors [B, C, T] to the prior's space, [B, C, T]; zero where not valid."""
        keep = valid.unsqueeze(1).to(z.dtype)
        for coupling in self.couplings:
            z = coupling(z, keep, condition, 1.0).flip(1)
        return z

    def inverse(self, z: Tensor, valid: Tensor, condition: Tensor) -> Tensor:
        """The prior's space [B, C, T] to latent vectors of the speaker whose ``condition`` [B, S] it is."""
        keep = valid.unsqueeze(1).to(z.dtype)
        for coupling in reversed(self.couplings):
            z = coupling(z.flip(1), keep, condition, -1.0)
        return z


class Coupling(nn.Module):
    """The second half of the channels moves by what the first half and the speaker say; at first by 0."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        a = architecture
        self.still_channels = a.inter_channels // 2
        self.first = nn.Conv1d(self.still_channels, a.inter_channels, 1)
        self.wavenet = WaveNet(a.inter_channels, a.flow_layers, a.speaker_embedding_dim)
        self.to_shift = nn.Conv1d(a.inter_channels, self.still_channels, 1)
        nn.init.zeros_(self.to_shift.weight)
        if self.to_shift.bias is not None:
            nn.init.zeros_(self.to_shift.bias)

    def forward(self, z: Tensor, keep: Tensor, condition: Tensor, sign: float) -> Tensor:
        """[B, C, T] → [B, C, T]; ``sign`` -1 undoes +1."""
        still, moved = z[:, : self.still_channels], z[:, self.still_channels :]
        shift = self.to_shift(self.wavenet(self.first(still) * keep, keep, condition)) * keep
        return torch.cat([still, (moved + sign * shift) * keep], dim=1)
