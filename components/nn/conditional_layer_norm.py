"""Layer normalisation whose gain and bias depend on the speaker."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from components.nn.linear import Linear


class ConditionalLayerNorm(nn.Module):
    """Speaker-conditioned layer norm (AdaSpeech, Chen et al. 2021, section 2.3).

    y = (1 + W_g s + b_g) · LN(x) + W_b s + b_b, with s the speaker's vector. Both projections start at zero,
    so an untrained one is a plain LayerNorm; AdaSpeech predicts the gain itself and has no such start.
    FastPitch only adds the speaker at the encoder's input, which its decoder hardly sees.

    Args:
        channels: C.
        condition_channels: S, size of the speaker's vector.
    """

    def __init__(self, channels: int, condition_channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.to_gain = Linear(condition_channels, channels)
        self.to_bias = Linear(condition_channels, channels)
        for projection in (self.to_gain, self.to_bias):
            nn.init.zeros_(projection.weight)
            nn.init.zeros_(projection.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Normalise over channels.

        Args:
            x: [B, T, C].
            condition: [B, S].

        Returns:
            [B, T, C].
        """
        gain = 1.0 + self.to_gain(condition).unsqueeze(1)
        bias = self.to_bias(condition).unsqueeze(1)
        normalised: Tensor = F.layer_norm(x, (self.channels,))
        output: Tensor = normalised * gain + bias
        return output
