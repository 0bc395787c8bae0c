"""FastPitch: text to mel in one pass, with durations, pitch and energy predicted for each symbol."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from components.models.fastpitch.aligner import Aligner, Alignment
from components.models.fastpitch.control import SymbolControls
from components.models.fastpitch.loss import alignment_error, alignment_losses, fastpitch_losses
from components.models.fastpitch.params import Architecture, Training
from components.models.fastpitch.phoneme_dropout import drop_phonemes
from components.models.fastpitch.prediction import Prediction, Targets
from components.models.fastpitch.predictors import SymbolPredictor
from components.models.fastpitch.voices import Voices
from components.nn.contracts import Batch
from components.nn.feed_forward_transformer import FeedForwardTransformer
from components.nn.length_regulation import PLACES, place_within, repeat_by_duration
from components.nn.linear import Linear
from components.nn.masks import valid_positions


class FastPitch(nn.Module):
    """FastPitch (Łańcucki 2021, section 2) with the energy predictor and the aligner of NVIDIA's version 1.1.

    Differs from it in: speaker-conditioned layer norm in encoder, decoder and predictors instead of adding
    the speaker at the encoder's input; self-attention with relative keys in the pitch predictor; a language
    vector added to every symbol's, because the four languages share letters that they pronounce differently;
    phoneme dropout; each frame's place within its symbol, because a pinyin final is one symbol that sounds
    different from end to end; two more outputs of the decoder, f0 and voicing of each frame, because the tone
    of a Mandarin final moves within one symbol and a source-filter vocoder has to follow it; and an output
    layer that starts from the corpus' mean and deviation of each mel band, which saves the first steps of a
    short training.

    Args:
        architecture: dimensions.
        voices: symbols, speakers and languages, each in the order of its table's rows.
        training: weights of the losses and the dropout rate of phonemes; None for a network that only speaks.
    """

    def __init__(self, architecture: Architecture, voices: Voices, training: Training | None) -> None:
        super().__init__()
        a, symbols = architecture, voices.symbols
        self.recipe, self.padding, self.unknown = training, symbols.padding, symbols.unknown
        self.frame_ms = 1000.0 * a.hop_length / a.sample_rate_hz
        self.symbol_embedding = nn.Embedding(len(symbols), a.d_model, padding_idx=symbols.padding)
        self.speaker_table = nn.Embedding(len(voices.speakers), a.speaker_embedding_dim)
        self.language_embedding = nn.Embedding(len(voices.languages), a.d_model)
        self.aligner = Aligner(a)
        self.encoder = _transformer(a, a.encoder_layers)
        self.decoder = _transformer(a, a.decoder_layers)
        self.duration_predictor = SymbolPredictor(a, None)
        self.pitch_predictor = SymbolPredictor(a, a.pitch_relative_attention)
        self.energy_predictor = SymbolPredictor(a, None)
        half = a.predictor_kernel // 2
        self.pitch_embedding = nn.Conv1d(1, a.d_model, a.predictor_kernel, padding=half)
        self.energy_embedding = nn.Conv1d(1, a.d_model, a.predictor_kernel, padding=half)
        self.place_embedding = Linear(PLACES, a.d_model, bias=False)
        nn.init.zeros_(self.place_embedding.weight)
        self.to_mel = Linear(a.d_model, a.n_mels)
        self.to_source = Linear(a.d_model, 2)
        self.mel_mean: Tensor
        self.mel_deviation: Tensor
        self.droppable: Tensor
        self.register_buffer("mel_mean", torch.zeros(a.n_mels))
        self.register_buffer("mel_deviation", torch.ones(a.n_mels))
        self.register_buffer("droppable", torch.tensor(symbols.droppable), persistent=False)

    def forward(self, phase: str, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Losses with the recording's own pitch and energy (teacher forcing) over durations learned so far.

        Args:
            phase: FastPitch has one.
            batch: see `dataset.collate`.
            step: decides the weight of the binarisation loss.

        Returns:
            ``total`` and its parts, scalars; out of training also how far the alignment is from the true one,
            where that is known.

        Raises:
            DataError: a row with more symbols than frames.
        """
        if self.recipe is None:
            raise RuntimeError("this FastPitch was built to speak, without a training recipe")
        ids, languages = batch["ids"], batch["languages"]
        spoken = ids != self.padding
        sounding = valid_positions(batch["frames"], batch["mel"].shape[1])
        condition, embedded = self.speaker_table(batch["speakers"]), self._embed(ids, languages)
        standardised = self._standardised(batch["mel"])
        alignment = self.aligner(embedded, spoken, condition, standardised, sounding)
        targets = Targets.of(batch, alignment.durations, sounding)
        if self.training:
            ids = drop_phonemes(ids, self.recipe.phoneme_dropout, self.droppable, self.unknown)
        encoded = self.encoder(self._embed(ids, languages), spoken, condition)
        prediction = self._decode(
            encoded, *self._predict(encoded, spoken, condition), targets.varied, spoken, condition
        )
        found = self.aligner.losses(alignment, standardised, spoken, sounding)
        learned = alignment_losses(found, step, self.recipe)
        losses = fastpitch_losses(prediction, targets, spoken, sounding, self.recipe)
        total = losses["total"] + learned.pop("weighted")
        heard = {} if self.training else alignment_error(alignment.durations, batch, spoken, self.frame_ms)
        return {**losses, **learned, **heard, "total": total}

    def enable_gradient_checkpointing(self) -> None:
        """Trade time for memory in encoder and decoder; losses and gradients stay the same."""
        self.encoder.enable_gradient_checkpointing()
        self.decoder.enable_gradient_checkpointing()

    def start_from_statistics(self, mel_mean: Tensor, mel_deviation: Tensor) -> None:
        """Let the output layer speak in deviations from the mean of each band, [n_mels] each."""
        self.mel_mean.copy_(mel_mean)
        self.mel_deviation.copy_(mel_deviation)

    @torch.inference_mode()
    def speak(
        self,
        ids: Tensor,
        speakers: Tensor,
        languages: Tensor,
        controls: SymbolControls,
        max_frames_per_symbol: int,
    ) -> Prediction:
        """Mel of symbols, everything predicted.

        Args:
            ids: [B, L] with padding at the end.
            speakers, languages: [B].
            controls: what to change of the predictions, [B, L] each.
            max_frames_per_symbol: longest a symbol may last; the shortest is one frame.
        """
        spoken = ids != self.padding
        condition = self.speaker_table(speakers)
        encoded = self.encoder(self._embed(ids, languages), spoken, condition)
        log_durations, pitch, energy = self._predict(encoded, spoken, condition)
        frames = torch.expm1(log_durations) / controls.pace
        durations = frames.round().clamp(1, max_frames_per_symbol).long() * spoken
        varied = (controls.on_pitch(pitch), controls.on_energy(energy), durations)
        return self._decode(encoded, log_durations, pitch, energy, varied, spoken, condition)

    @torch.inference_mode()
    def align(self, ids: Tensor, speakers: Tensor, languages: Tensor, mel: Tensor, frames: Tensor) -> Tensor:
        """Durations of given recordings (forced alignment).

        Args:
            ids: [B, L] with padding at the end.
            speakers, languages: [B].
            mel: [B, T, n_mels].
            frames: [B] real frames of each row.

        Returns:
            [B, L] whole frames; rows sum to ``frames``.

        Raises:
            DataError: a row with more symbols than frames.
        """
        sounding = valid_positions(frames, mel.shape[1])
        embedded, condition = self._embed(ids, languages), self.speaker_table(speakers)
        found: Alignment = self.aligner(
            embedded, ids != self.padding, condition, self._standardised(mel), sounding
        )
        return found.durations

    def _standardised(self, mel: Tensor) -> Tensor:
        return (mel - self.mel_mean) / self.mel_deviation

    def _embed(self, ids: Tensor, languages: Tensor) -> Tensor:
        """[B, L] ids and [B] languages → [B, L, d_model]."""
        embedded: Tensor = self.symbol_embedding(ids) + self.language_embedding(languages).unsqueeze(1)
        return embedded

    def _predict(self, encoded: Tensor, spoken: Tensor, condition: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, L, d_model] → log(1 + frames), pitch, energy, each [B, L]."""
        inputs = (encoded, spoken, condition)
        return self.duration_predictor(*inputs), self.pitch_predictor(*inputs), self.energy_predictor(*inputs)

    def _decode(
        self,
        encoded: Tensor,
        log_durations: Tensor,
        pitch: Tensor,
        energy: Tensor,
        varied: tuple[Tensor, Tensor, Tensor],
        spoken: Tensor,
        condition: Tensor,
    ) -> Prediction:
        """Lay out [B, L, d_model] by ``varied`` (pitch, energy, durations) and decode it."""
        used_pitch, used_energy, durations = varied
        keep = spoken.unsqueeze(-1).to(encoded.dtype)
        coloured = (
            encoded
            + self.pitch_embedding(used_pitch.unsqueeze(1)).transpose(1, 2)
            + self.energy_embedding(used_energy.unsqueeze(1)).transpose(1, 2)
        ) * keep
        frames = repeat_by_duration(coloured, durations)
        frames = frames + self.place_embedding(place_within(durations).to(frames.dtype))
        decoded = self.decoder(frames, valid_positions(durations.sum(dim=1), frames.shape[1]), condition)
        mel = self.to_mel(decoded) * self.mel_deviation + self.mel_mean
        bend, voicing = self.to_source(decoded).float().unbind(dim=-1)
        contour = repeat_by_duration(used_pitch.unsqueeze(-1), durations).squeeze(-1) + bend
        return Prediction(mel, log_durations, pitch, energy, durations, contour, voicing)


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
