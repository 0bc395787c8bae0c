"""FastPitch: text to mel in one pass, with durations, pitch and energy predicted for each symbol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from components.models.fastpitch.loss import Targets, fastpitch_losses
from components.models.fastpitch.params import Architecture, Training
from components.models.fastpitch.phoneme_dropout import drop_phonemes
from components.models.fastpitch.predictors import SymbolPredictor
from components.models.fastpitch.voices import Voices
from components.nn.contracts import Batch
from components.nn.feed_forward_transformer import FeedForwardTransformer
from components.nn.length_regulation import repeat_by_duration
from components.nn.masks import valid_positions


@dataclass(frozen=True)
class Prediction:
    """What the network says of a batch.

    Attributes:
        mel: [B, T, n_mels], natural log amplitude; meaningless beyond a row's frames.
        log_durations: [B, L], log(1 + frames).
        pitch: [B, L], log f0 standardised by the speaker; 0 where unvoiced.
        energy: [B, L], log(1 + energy).
        durations: [B, L] frames that the mel was laid out with.
    """

    mel: Tensor
    log_durations: Tensor
    pitch: Tensor
    energy: Tensor
    durations: Tensor


class FastPitch(nn.Module):
    """FastPitch (Łańcucki 2021, section 2) with the energy predictor of NVIDIA's version 1.1.

    Differs from it in: speaker-conditioned layer norm in encoder, decoder and predictors instead of adding
    the speaker at the encoder's input; self-attention with relative keys in the pitch predictor; durations
    that are given, not aligned; a language vector added to every symbol's, because the four languages share
    letters that they pronounce differently; phoneme dropout; and an output layer that starts from the corpus'
    mean and deviation of each mel band, which saves the first steps of a short training.

    Args:
        architecture: dimensions.
        voices: symbols, speakers and languages, each in the order of its table's rows.
        training: weights of the losses and the dropout rate of phonemes; None for a network that only speaks.
    """

    def __init__(self, architecture: Architecture, voices: Voices, training: Training | None) -> None:
        super().__init__()
        a, symbols = architecture, voices.symbols
        self.recipe, self.padding, self.unknown = training, symbols.padding, symbols.unknown
        self.symbol_embedding = nn.Embedding(len(symbols), a.d_model, padding_idx=symbols.padding)
        self.speaker_table = nn.Embedding(len(voices.speakers), a.speaker_embedding_dim)
        self.language_embedding = nn.Embedding(len(voices.languages), a.d_model)
        self.encoder = _transformer(a, a.encoder_layers)
        self.decoder = _transformer(a, a.decoder_layers)
        self.duration_predictor = SymbolPredictor(a, None)
        self.pitch_predictor = SymbolPredictor(a, a.pitch_relative_attention)
        self.energy_predictor = SymbolPredictor(a, None)
        half = a.predictor_kernel // 2
        self.pitch_embedding = nn.Conv1d(1, a.d_model, a.predictor_kernel, padding=half)
        self.energy_embedding = nn.Conv1d(1, a.d_model, a.predictor_kernel, padding=half)
        self.to_mel = nn.Linear(a.d_model, a.n_mels)
        self.mel_mean: Tensor
        self.mel_deviation: Tensor
        self.droppable: Tensor
        self.register_buffer("mel_mean", torch.zeros(a.n_mels))
        self.register_buffer("mel_deviation", torch.ones(a.n_mels))
        self.register_buffer("droppable", torch.tensor(symbols.droppable), persistent=False)

    def forward(self, phase: str, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Losses with the given durations, pitch and energy (teacher forcing).

        Args:
            phase, step: FastPitch has one phase and nothing that depends on the step.
            batch: ``ids``, ``durations``, ``pitch``, ``energy`` [B, L]; ``speakers``, ``languages``
                [B]; ``mel`` [B, T, n_mels] with T the longest sum of durations.

        Returns:
            ``total`` and its parts, scalars.
        """
        if self.recipe is None:
            raise RuntimeError("this FastPitch was built to speak, without a training recipe")
        targets = Targets(batch["mel"], batch["durations"], batch["pitch"], batch["energy"])
        spoken = batch["ids"] != self.padding
        ids = batch["ids"]
        if self.training:
            ids = drop_phonemes(ids, self.recipe.phoneme_dropout, self.droppable, self.unknown)
        encoded, condition = self._encode(ids, spoken, batch["speakers"], batch["languages"])
        log_durations, pitch, energy = self._predict(encoded, spoken, condition)
        mel = self._decode(encoded, targets.pitch, targets.energy, targets.durations, spoken, condition)
        prediction = Prediction(mel, log_durations, pitch, energy, targets.durations)
        return fastpitch_losses(prediction, targets, spoken, self.recipe)

    def start_from_statistics(self, mel_mean: Tensor, mel_deviation: Tensor) -> None:
        """Let the output layer speak in deviations from the mean of each band, [n_mels] each."""
        self.mel_mean.copy_(mel_mean)
        self.mel_deviation.copy_(mel_deviation)

    @torch.inference_mode()
    def speak(
        self, ids: Tensor, speakers: Tensor, languages: Tensor, pace: float, max_frames_per_symbol: int
    ) -> Prediction:
        """Mel of symbols, everything predicted.

        Args:
            ids: [B, L] with padding at the end.
            speakers, languages: [B].
            pace: 2 speaks twice as fast.
            max_frames_per_symbol: longest a symbol may last; the shortest is one frame.
        """
        spoken = ids != self.padding
        encoded, condition = self._encode(ids, spoken, speakers, languages)
        log_durations, pitch, energy = self._predict(encoded, spoken, condition)
        frames = torch.expm1(log_durations) / pace
        durations = frames.round().clamp(1, max_frames_per_symbol).long() * spoken
        mel = self._decode(encoded, pitch, energy, durations, spoken, condition)
        return Prediction(mel, log_durations, pitch, energy, durations)

    def _encode(
        self, ids: Tensor, spoken: Tensor, speakers: Tensor, languages: Tensor
    ) -> tuple[Tensor, Tensor]:
        """[B, L] ids, [B] speakers and languages → [B, L, d_model] and [B, S] speaker vectors."""
        condition = self.speaker_table(speakers)
        embedded = self.symbol_embedding(ids) + self.language_embedding(languages).unsqueeze(1)
        return self.encoder(embedded, spoken, condition), condition

    def _predict(self, encoded: Tensor, spoken: Tensor, condition: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, L, d_model] → log(1 + frames), pitch, energy, each [B, L]."""
        inputs = (encoded, spoken, condition)
        return self.duration_predictor(*inputs), self.pitch_predictor(*inputs), self.energy_predictor(*inputs)

    def _decode(
        self,
        encoded: Tensor,
        pitch: Tensor,
        energy: Tensor,
        durations: Tensor,
        spoken: Tensor,
        condition: Tensor,
    ) -> Tensor:
        """[B, L, d_model] with pitch, energy, durations [B, L] → mel [B, T, n_mels]."""
        keep = spoken.unsqueeze(-1).to(encoded.dtype)
        coloured = (
            encoded
            + self.pitch_embedding(pitch.unsqueeze(1)).transpose(1, 2)
            + self.energy_embedding(energy.unsqueeze(1)).transpose(1, 2)
        ) * keep
        frames = repeat_by_duration(coloured, durations)
        valid = valid_positions(durations.sum(dim=1), frames.shape[1])
        mel: Tensor = self.to_mel(self.decoder(frames, valid, condition))
        return mel * self.mel_deviation + self.mel_mean


def _transformer(architecture: Architecture, layers: int) -> FeedForwardTransformer:
    return FeedForwardTransformer(
        layers=layers,
        channels=architecture.d_model,
        heads=architecture.n_heads,
        head_channels=architecture.head_dim,
        ffn_channels=architecture.ffn_dim,
        kernel=architecture.ffn_kernel,
        condition_channels=architecture.speaker_embedding_dim,
        dropout=architecture.dropout,
    )
