"""Keys and values of what was computed already, in memory that is taken once."""

from __future__ import annotations

import torch
from torch import Tensor


class Cache:
    """Keys and values of every layer, for B sequences that grow together but began at different lengths.

    Text and its padding take the first L places; the audio of each row follows without a gap, so rows write
    at places of their own.

    Args:
        layers, batch, heads, head_channels: dimensions.
        capacity: places of a row.
        device, dtype: of the memory.
    """

    def __init__(
        self,
        layers: int,
        batch: int,
        heads: int,
        head_channels: int,
        capacity: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        shape = (layers, batch, heads, capacity, head_channels)
        self.keys = torch.zeros(shape, device=device, dtype=dtype)
        self.values = torch.zeros(shape, device=device, dtype=dtype)
        self.capacity = capacity
        self._rows = torch.arange(batch, device=device)
        self.places = torch.zeros(batch, dtype=torch.long, device=device)
        """[B] where the next key of each row goes."""
        self.used = 0
        """Places that any row has used, with those of the next key."""
        self.mask: Tensor | None = None
        """[B, 1, 1, used] which places a new query sees; None: all of them."""

    def begin(self, keys: Tensor, values: Tensor, layer: int) -> None:
        """Keep the first [B, H, S, d] of a layer."""
        self.keys[layer, :, :, : keys.shape[2]] = keys
        self.values[layer, :, :, : values.shape[2]] = values

    def advance(self, places: Tensor, used: int, mask: Tensor | None) -> None:
        """Say where the next key goes and who is seen, before a step.

        Args:
            places: [B].
            used: one more than the largest of them.
            mask: [B, 1, 1, used] bool, or None where every row has used all places.
        """
        self.places, self.used, self.mask = places, used, mask

    def grown(self, key: Tensor, value: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """Write one key and value [B, H, 1, d]; the layer's [B, H, used, d] with them."""
        keys, values = self.keys[layer], self.values[layer]
        if self.mask is None:
            keys[:, :, self.used - 1] = key[:, :, 0]
            values[:, :, self.used - 1] = value[:, :, 0]
        else:
            keys[self._rows, :, self.places] = key[:, :, 0]
            values[self._rows, :, self.places] = value[:, :, 0]
        return keys[:, :, : self.used], values[:, :, : self.used]

    def of_rows(self, rows: Tensor) -> None:
        """Keep these rows [n] alone; the others have ended."""
        self.keys, self.values = self.keys[:, rows], self.values[:, rows]
        self._rows = self._rows[: len(rows)]
