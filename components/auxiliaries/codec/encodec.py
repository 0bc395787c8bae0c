"""The published codec: EnCodec at 24 kHz, as transformers builds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import EncodecConfig, EncodecModel

from components.auxiliaries.codec.contract import Choice, checked_codes, checked_samples, checked_vectors
from components.core.errors import ConfigError, DataError
from components.core.storage import sha256_bytes, sha256_json
from components.nn.timbre import Change, Timbre


class EncodecCodec:
    """EnCodec (Défossez et al. 2022); see `contract.Codec`. 75 frames a second, 8 codebooks at 6 kbit/s.

    Everything in its decoder is causal, so samples never change when more codes follow (``lookahead`` 0); but
    its LSTM remembers everything, so a stretch in the middle is decoded from the beginning.

    Args:
        network: of transformers.
        choice: how many codebooks.
        device: where it computes.

    Raises:
        ConfigError: the network has another rate, other codebooks, or no bandwidth of that many.
    """

    lookahead = 0

    def __init__(self, network: EncodecModel, choice: Choice, device: torch.device) -> None:
        config = network.config
        self.sample_rate, self.hop = config.sampling_rate, config.hop_length
        self.n_codebooks, self.codebook_size = choice.n_codebooks, config.codebook_size
        self.device = device
        frame_rate = config.sampling_rate / config.hop_length
        found = (self.sample_rate, frame_rate, self.codebook_size)
        bits = (self.codebook_size - 1).bit_length()
        self._bandwidth = choice.n_codebooks * bits * frame_rate / 1000.0
        if found != (choice.sample_rate, choice.frame_rate, choice.codebook_size):
            raise _another(choice, "{} Hz, {:g} frames a second, {} codes".format(*found))
        if self._bandwidth not in config.target_bandwidths:
            raise _another(choice, f"bandwidths of {config.target_bandwidths} kbit/s")
        digest = {
            name: sha256_bytes(value.detach().cpu().contiguous().numpy().tobytes())
            for name, value in network.state_dict().items()
        }
        self.weights_sha256 = sha256_json(digest)
        self.sha256 = sha256_json({"weights": self.weights_sha256, "n_codebooks": self.n_codebooks})
        self._network = network.to(device).eval().requires_grad_(False)
        layers = self._network.quantizer.layers[: self.n_codebooks]
        self.vectors = torch.stack([layer.codebook.embed for layer in layers])
        self._choice = choice

    def __reduce__(self) -> tuple[Any, ...]:
        """Travels to a worker as configuration and weights: the network itself has hooks that cannot."""
        return _rebuilt, (self._network.config, self._network.state_dict(), self._choice, self.device)

    @torch.inference_mode()
    def encode(self, samples: Tensor) -> Tensor:
        """[B, N] → [B, Q, T]; see `contract.Codec.encode`.

        Raises:
            DataError: another shape, NaN or infinite values.
        """
        heard = checked_samples(samples, self.device)
        found = self._network.encode(heard.unsqueeze(1), bandwidth=self._bandwidth).audio_codes
        codes: Tensor = found[0]
        return codes

    @torch.inference_mode()
    def decode(self, codes: Tensor, first: int = 0) -> Tensor:
        """[B, Q, T] → [B, (T - first) · hop]; see `contract.Codec.decode`.

        Raises:
            DataError: another shape, or codes that no codebook has.
        """
        known = checked_codes(codes, self)
        made: Tensor = self._network.decode(known.unsqueeze(0), [None]).audio_values[:, 0]
        return made[:, first * self.hop : known.shape[2] * self.hop].float()

    def timbre(self, samples: Tensor) -> Timbre | None:
        """None: it was trained on ten thousand voices, and its decoder ends in samples."""

    def shift(self, vectors: Tensor, timbre: Timbre, share: float, spread: float = 0.0) -> Change | None:
        """None; see `timbre`."""

    @torch.inference_mode()
    def decode_vectors(self, vectors: Tensor, first: int = 0, shift: Change | None = None) -> Tensor:
        """[B, T, D] → [B, (T - first) · hop]; see `contract.Codec.decode_vectors`. Nothing is shifted.

        Raises:
            DataError: another shape, NaN or infinite values.
        """
        known = checked_vectors(vectors, self)
        made: Tensor = self._network.decoder(known.transpose(1, 2))[:, 0]
        return made[:, first * self.hop : known.shape[1] * self.hop].float()


def from_hub(choice: Choice, device: torch.device) -> EncodecCodec:
    """A published checkpoint, from the hub's cache or a local folder; safetensors only.

    Raises:
        ConfigError: other dimensions than were asked for.
        DataError: not found, or a pickle.
    """
    try:
        network = EncodecModel.from_pretrained(choice.checkpoint, use_safetensors=True)
    except (OSError, ValueError) as error:
        raise DataError(
            who=f"codec {choice.checkpoint}",
            expected="config.json and model.safetensors, on the hub or in a local folder",
            found=str(error).splitlines()[0],
            action="fetch it where there is a network; models.vallex.architecture.codec takes a folder too",
        ) from error
    return EncodecCodec(network, choice, device)


def _rebuilt(
    config: EncodecConfig, weights: Mapping[str, Tensor], choice: Choice, device: torch.device
) -> EncodecCodec:
    network = EncodecModel(config)
    network.load_state_dict(weights)
    return EncodecCodec(network, choice, device)


def _another(choice: Choice, found: str) -> ConfigError:
    return ConfigError(
        who=f"codec {choice.checkpoint}",
        expected=f"{choice.sample_rate} Hz, {choice.frame_rate} frames a second, "
        f"{choice.n_codebooks} codebooks of {choice.codebook_size}",
        found=found,
        action="make models.vallex.architecture agree with the checkpoint",
    )
