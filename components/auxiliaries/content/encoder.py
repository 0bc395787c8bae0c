"""The content encoder as voice conversion uses it: delivered or pinned weights, one layer's features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils import parametrize
from transformers import HubertConfig, HubertModel

from components.auxiliaries.content.contract import NAME, SHIPPED, UNTRAINED, Choice
from components.auxiliaries.content.network import ENCODER_PREFIX, hubert_config
from components.auxiliaries.content.params import Architecture, Section
from components.core.errors import ConfigError, DataError
from components.core.params import narrowed
from components.core.storage import sha256_bytes, sha256_json
from components.nn.contracts import Auxiliaries
from components.nn.delivered import read_delivered
from components.nn.linear import quicken

_UNTRAINED_SEED = 0
"""Any: always the same."""


class HubertContent:
    """See `contract.ContentEncoder`. Recordings longer than a chunk are heard in overlapping pieces.

    Each piece is computed with ``margin_s`` more on both sides, and only its core is kept. Convolutions reach
    400 samples and, through the convolutional position, half of ``positional_kernel`` frames; attention
    reaches the whole piece. So a feature of a chunked recording differs a little from the whole's, most near
    the seams, because attention hears ``chunk_s + 2 margin_s`` instead of everything; with ``conv_norm:
    group`` the first layer's normalisation is of the piece as well. How much is told by `measure`
    (``chunked_cosine``).

    Args:
        network: HuBERT in full; layers above the chosen one are dropped.
        architecture: of the network.
        choice: label and layer.
        weights_sha256: of what the network was loaded from.
        device: where it computes.

    Raises:
        ConfigError: the network has no such layer, or features of another width.
    """

    def __init__(
        self,
        network: HubertModel,
        architecture: Architecture,
        choice: Choice,
        weights_sha256: str,
        device: torch.device,
    ) -> None:
        _check_choice(choice, architecture)
        self.label, self.dim, self.device = choice.label, choice.dim, device
        self.sample_rate, self.stride = architecture.sample_rate_hz, architecture.stride
        self.weights_sha256 = weights_sha256
        dimensions = architecture.model_dump(mode="json", exclude={"dropout", "layerdrop"})
        self.sha256 = sha256_json(
            {"weights": weights_sha256, "layer": choice.layer, "architecture": dimensions}
        )
        self._window = architecture.window
        per_second = self.sample_rate / self.stride
        self._core = max(1, round(architecture.chunks.chunk_s * per_second))
        self._margin = round(architecture.chunks.margin_s * per_second)
        network.encoder.layers = network.encoder.layers[: choice.layer]
        position = network.encoder.pos_conv_embed.conv
        if parametrize.is_parametrized(position):  # else its weight norm is computed in every pass
            parametrize.remove_parametrizations(position, "weight")
        self._network = quicken(network.to(device)).eval().requires_grad_(False)
        self._made_of = (architecture, choice, weights_sha256, device)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travels to a worker as configuration and weights: the network itself has hooks that cannot."""
        return _rebuilt, (self._network.config, self._network.state_dict(), *self._made_of)

    def frames(self, samples: int) -> int:
        """Features of that many samples."""
        return max(0, (samples - self._window) // self.stride + 1)

    def features(self, samples: NDArray[np.float32]) -> Tensor:
        """[T, dim] float32 on the device; see `contract.ContentEncoder.features`.

        Raises:
            DataError: not mono, too short, NaN or infinite.
        """
        return torch.cat(list(self.chunks(samples)))

    @torch.no_grad()
    def chunks(self, samples: NDArray[np.float32]) -> Iterator[Tensor]:
        """Pieces [t ≤ chunk, dim], in order; together `features`.

        Raises:
            DataError: as there, before the first piece.
        """
        self._check(samples)
        total = self.frames(len(samples))
        for first in range(0, total, self._core):
            last = min(total, first + self._core)
            begin, end = max(0, first - self._margin), min(total, last + self._margin)
            part = samples[begin * self.stride : (end - 1) * self.stride + self._window]
            heard = torch.from_numpy(np.ascontiguousarray(part, dtype=np.float32)).to(self.device)
            found: Tensor = self._network(heard[None]).last_hidden_state[0]
            yield found[first - begin : last - begin].float()

    def _check(self, samples: NDArray[np.float32]) -> None:
        if samples.ndim != 1 or len(samples) < self._window:
            raise _unusable(f"mono of at least {self._window} samples", f"an array of shape {samples.shape}")
        if not np.all(np.isfinite(samples)):
            raise _unusable("finite samples", f"{int(np.sum(~np.isfinite(samples)))} NaN or infinite")


def of(auxiliaries: Auxiliaries, choice: Choice, device: torch.device) -> HubertContent:
    """The encoder that a conversion asks for.

    Args:
        auxiliaries: folder of the delivered ones, and their sections of params.yaml.
        choice: which one; ``pretrained/content`` is the delivered one.
        device: where it computes.

    Raises:
        ConfigError: weights of other dimensions than params.yaml has, or no such layer.
        DataError: nothing delivered, or no safetensors.
        CorruptFileError: the weights are not the ones that were delivered.
    """
    section = auxiliaries.sections.get(NAME)
    wanted = narrowed(section, Section).architecture if section is not None else None
    if choice.checkpoint == SHIPPED:
        return load(auxiliaries.folder / NAME, choice, device, wanted)
    if wanted is None:
        raise ConfigError(
            who=f"content encoder {choice.checkpoint}",
            expected="its dimensions in auxiliaries.content.architecture",
            found="no such section",
            action="add it to params.yaml, or take the encoder in pretrained/content",
        )
    return (untrained if choice.checkpoint == UNTRAINED else from_hub)(choice, wanted, device)


def untrained(choice: Choice, architecture: Architecture, device: torch.device) -> HubertContent:
    """Weights as they are before any training, always the same: the pipeline's tests need no download.

    Raises:
        ConfigError: no such layer, or features of another width.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_UNTRAINED_SEED)
        network = HubertModel(hubert_config(architecture))
    return HubertContent(network, architecture, choice, _weights_sha256(network), device)


def load(
    delivered: Path, choice: Choice, device: torch.device, wanted: Architecture | None = None
) -> HubertContent:
    """The encoder of `make pretrain MODEL=content`.

    Args:
        wanted: dimensions it must have, and the chunks to use; None takes both from the card.

    Raises:
        ConfigError, DataError, CorruptFileError: as `of`.
    """
    weights = read_delivered(delivered, NAME)
    card = Architecture.model_validate(weights.card["architecture"])
    architecture = wanted or card
    if architecture.dimensions() != card.dimensions():
        raise ConfigError(
            who=f"content encoder in {delivered}",
            expected=f"{architecture.dimensions()}",
            found=f"{card.dimensions()}",
            action="run `make pretrain MODEL=content`, or choose the profile that the weights were made with",
        )
    network = HubertModel(hubert_config(card))
    network.load_state_dict(encoder_weights(weights.weights))
    return HubertContent(network, architecture, choice, weights.sha256, device)


def from_hub(choice: Choice, architecture: Architecture, device: torch.device) -> HubertContent:
    """A published checkpoint, from the hub's cache or a local folder; safetensors only.

    Only the tensors that HuBERT has are read (ContentVec's files hold a projection besides). Published
    checkpoints that exist as a pickle alone must be converted once, where they are trusted.

    Raises:
        ConfigError: dimensions other than params.yaml has.
        DataError: not found, or a pickle.
    """
    try:
        network = HubertModel.from_pretrained(choice.checkpoint, use_safetensors=True)
    except (OSError, ValueError) as error:
        raise DataError(
            who=f"content encoder {choice.checkpoint}",
            expected="config.json and model.safetensors, on the hub or in a local folder",
            found=str(error).splitlines()[0],
            action="convert it to safetensors where you trust it, and give the folder as checkpoint",
        ) from error
    found, wanted = network.config.to_dict(), hubert_config(architecture).to_dict()
    differing = [name for name in _HUB_DIMENSIONS if _plain(found[name]) != _plain(wanted[name])]
    if differing:
        raise ConfigError(
            who=f"content encoder {choice.checkpoint}",
            expected=", ".join(f"{name} {wanted[name]}" for name in differing),
            found=", ".join(f"{name} {found[name]}" for name in differing),
            action="give the checkpoint's dimensions in auxiliaries.content.architecture",
        )
    return HubertContent(network, architecture, choice, _weights_sha256(network), device)


def _rebuilt(
    config: HubertConfig,
    weights: Mapping[str, Tensor],
    architecture: Architecture,
    choice: Choice,
    weights_sha256: str,
    device: torch.device,
) -> HubertContent:
    made = HubertContent(HubertModel(config), architecture, choice, weights_sha256, device)
    made._network.load_state_dict(weights)
    return made


_HUB_DIMENSIONS = (
    "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "conv_dim", "conv_kernel",
    "conv_stride", "feat_extract_norm", "num_conv_pos_embeddings", "num_conv_pos_embedding_groups",
    "do_stable_layer_norm", "conv_bias", "feat_extract_activation", "hidden_act",
)  # fmt: skip


def encoder_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """HuBERT's own of what was delivered; the projection and the codewords stay behind."""
    return {
        name.removeprefix(ENCODER_PREFIX): value
        for name, value in weights.items()
        if name.startswith(ENCODER_PREFIX)
    }


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else value


def _weights_sha256(network: HubertModel) -> str:
    return sha256_json({name: _tensor_sha256(value) for name, value in network.state_dict().items()})


def _tensor_sha256(value: Tensor) -> str:
    return sha256_bytes(value.detach().cpu().contiguous().numpy().tobytes())


def _check_choice(choice: Choice, architecture: Architecture) -> None:
    if choice.dim != architecture.hidden_size or not 1 <= choice.layer <= architecture.layers:
        raise ConfigError(
            who=f"content encoder {choice.label!r}",
            expected=f"features of {architecture.hidden_size} from one of {architecture.layers} layers",
            found=f"dim {choice.dim}, layer {choice.layer}",
            action="make models.rvc.architecture.content_encoder agree with auxiliaries.content.architecture",
        )


def _unusable(expected: str, found: str) -> DataError:
    return DataError(
        who="content encoder",
        expected=expected,
        found=found,
        action="lengthen the recording with silence, or remove it",
    )
