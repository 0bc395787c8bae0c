"""The network's loss: the mel of the voice, its average and how much each band moves."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.auxiliaries.codec.network import CodecNetwork, Sound
from components.auxiliaries.codec.trained import TrainedCodec
from components.auxiliaries.timbre.new_voices import spoken_by
from components.auxiliaries.timbre.params import Architecture, Training
from components.features.mel import band_centres
from components.nn.contracts import Batch
from components.nn.timbre import Frames
from components.nn.timbre_network import Known, Sizes, TimbreNetwork, over_voiced

_LEAST_SOFTNESS = 0.5


class TimbreLearner(nn.Module):
    """A `components.nn.contracts.TrainableNetwork`.

    The codec copies two utterances of a new voice; the network hears the copy of one, and the other beside
    its copy, and has to say what the first really sounds like. In part the copy is drawn towards the voice
    the new one was made of, and blurred into a mean: as a language model's speech is.

    Args:
        architecture: dimensions.
        training: weights of the losses.
        codec: whose copies are heard; nothing of it changes.
    """

    def __init__(self, architecture: Architecture, training: Training, codec: TrainedCodec) -> None:
        super().__init__()
        self._weights, self._codebooks = training, architecture.n_codebooks
        self._frozen = (codec.network,)  # no part of what is trained, saved or delivered
        self._threshold = codec.architecture.voicing_threshold
        self._stride = codec.architecture.stride
        self.floor = math.log(codec.analysis.log_floor)
        self.register_buffer(
            "centres", torch.tensor(band_centres(codec.analysis), dtype=torch.float32), persistent=False
        )
        sizes = Sizes.of(architecture.model_dump(), codec.analysis.n_mels)
        self.network = TimbreNetwork(sizes)
        for name in ("mel_centre", "mel_spread", "pitch_centre", "pitch_spread"):
            getattr(self.network, name).copy_(getattr(codec.network, name))

    centres: Tensor

    def forward(self, phase: str, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Losses of a batch of `dataset.VoicePairs`; ``copy`` and ``average`` are without the network."""
        (codec,) = self._frozen
        codec.to(self.centres.device)
        wanted, said, near, average = self.heard(codec, batch)
        voiced = batch["voiced"][:, : wanted.shape[1]]
        w = self._weights
        off = F.l1_loss(near, wanted)
        (mean, spread), (real_mean, real_spread) = over_voiced(near, voiced), over_voiced(wanted, voiced)
        total = (
            off
            + w.square_loss_weight * F.mse_loss(near, wanted)
            + w.change_loss_weight * F.l1_loss(near.diff(dim=1), wanted.diff(dim=1))
            + w.average_loss_weight * F.l1_loss(mean, real_mean)
            + w.spread_loss_weight * F.l1_loss(spread, real_spread)
        )
        parts = {"mel": off, "copy": F.l1_loss(said.mel, wanted), "average": F.l1_loss(average, wanted)}
        return {"total": total, **{name: value.detach() for name, value in parts.items()}}

    def heard(self, codec: CodecNetwork, batch: Batch) -> tuple[Tensor, Sound, Tensor, Tensor]:
        """Mel of the voice, the copy, the copy brought nearer, and the copy with its average moved alone."""
        warp, equaliser, pitch = batch["warp"], batch["equaliser"], batch["pitch"]
        drift, softness = batch["drift"][:, None], batch["softness"]
        whole = batch["mel"].shape[1] // self._stride * self._stride
        wanted = spoken_by(batch["mel"], warp, equaliser, self.centres, self.floor)[:, :whole]
        with torch.no_grad():
            drifted = spoken_by(batch["mel"], warp * drift, equaliser * drift, self.centres, self.floor)
            course = batch["log_f0"] + pitch[:, None] * drift
            said = self._copy(codec, drifted, course, batch["voiced"], softness)
            known = self._known(codec, batch, warp, equaliser, pitch)
            own, _ = over_voiced(said.mel, said.voicing.sigmoid() > self._threshold)
            shift = known.average - own
        near = self.network(said.mel, said.log_f0, said.voicing.sigmoid(), known, shift)
        return wanted, said, near, said.mel + shift[:, None]

    def _known(
        self, codec: CodecNetwork, batch: Batch, warp: Tensor, equaliser: Tensor, pitch: Tensor
    ) -> Known:
        prompt = spoken_by(batch["prompt_mel"], warp, equaliser, self.centres, self.floor)
        course, voiced = batch["prompt_log_f0"] + pitch[:, None], batch["prompt_voiced"]
        copy = self._copy(codec, prompt, course, voiced, torch.zeros_like(pitch))
        count = copy.mel.shape[1]
        both = voiced[:, :count] & (copy.voicing.sigmoid() > self._threshold)
        return Known.of(Frames(prompt[:, :count], copy.mel, course[:, :count], copy.log_f0, both))

    def _copy(
        self, codec: CodecNetwork, mel: Tensor, log_f0: Tensor, voiced: Tensor, softness: Tensor
    ) -> Sound:
        """The copy of whole frames of codes; where ``softness`` [B] is not 0, of a mean over codes."""
        count = mel.shape[1] // self._stride * self._stride
        latent = codec.latent(mel[:, :count], log_f0[:, :count], voiced[:, :count])
        with torch.autocast(latent.device.type, enabled=False):  # a rounded distance chooses another codeword
            latent, quantiser = latent.float(), codec.quantiser
            vectors = quantiser.decode(quantiser.encode(latent)[:, : self._codebooks])
            words = quantiser.vectors[0]
            far = words.square().sum(dim=1) - 2.0 * latent @ words.t()
            near = far.amin(dim=-1, keepdim=True) - far
            mean = torch.softmax(near / (_LEAST_SOFTNESS + softness)[:, None, None], dim=-1) @ words
            vectors = torch.where((softness > 0.0)[:, None, None], mean, vectors)
        return codec.sound(vectors)
