"""A delivered FastPitch with its front-end and vocoder: text in, samples out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from components.auxiliaries.vocoder import build as vocoders
from components.core.errors import ConfigError, DataError
from components.core.utterance import Language
from components.features.mel import MelAnalysis
from components.features.store import PitchStatistics
from components.models.fastpitch.control import SymbolControls, by_symbol
from components.models.fastpitch.network import FastPitch
from components.models.fastpitch.params import Architecture, Section
from components.models.fastpitch.prediction import Prediction
from components.models.fastpitch.timings import phoneme_timings, word_timings
from components.models.fastpitch.voices import Voices
from components.models.fastpitch.warm_start import NAME, require_symbols_version
from components.nn.contracts import Auxiliaries, Speech
from components.nn.control import UNCHANGED, Control
from components.nn.delivered import read_delivered
from components.nn.limiter import limited
from components.nn.timed_speech import TimedSpeech
from components.text import Phonemes, phonemise


class FastPitchSpeaker:
    """See `components.nn.contracts.Synthesiser`.

    The network is built from the card that was delivered with the weights, the vocoder from its own; only
    pace and limits come from the section.

    The vocoder gets, beside the mel, an f0 for each frame. It is the predicted pitch of the frame's symbol
    (after control) plus the bend that the decoder adds frame by frame, in standard deviations of the
    speaker's ln f0, turned into Hz by the speaker's own mean and deviation, which the card holds; 0 where the
    decoder gives voicing less than even odds. The decoder learned the bend against the f0 of recordings, so
    it is what joins one symbol's pitch to the next; nothing is interpolated besides.

    Args:
        section: ``models.fastpitch``.
        delivered: folder of a delivered FastPitch.
        auxiliaries: the vocoder is one of them.
        device: where network and vocoder compute.

    Raises:
        CorruptFileError: the weights are not the ones that were delivered.
        DataError: no delivered FastPitch there.
        ConfigError: it was trained on another version of the symbols, or the vocoder is of another kind than
            params.yaml asks for, or inverts another mel.
    """

    def __init__(
        self, section: Section, delivered: Path, auxiliaries: Auxiliaries, device: torch.device
    ) -> None:
        model = read_delivered(delivered, NAME)
        require_symbols_version(model.card, delivered)
        architecture = Architecture.model_validate(model.card["architecture"])
        self._voices = Voices.from_json(model.card["voices"])
        self._pitch = {name: PitchStatistics(**values) for name, values in model.card["pitch"].items()}
        self._inference = section.inference
        network = FastPitch(architecture, self._voices, training=None)
        network.load_state_dict(dict(model.weights), strict=False)
        self._network = network.to(device).eval()
        self._analysis = MelAnalysis.of(architecture, model.card["log_floor"])
        self._vocoder = vocoders.of(auxiliaries, model.card["log_floor"], device)
        if self._vocoder.analysis != self._analysis:
            raise _another_mel(self._analysis, self._vocoder.analysis)
        self._ceiling = float(model.card["loudest_log_mel"])
        self.sample_rate = architecture.sample_rate_hz
        self.speakers = self._voices.speakers
        self.consents: Mapping[str, str] = model.card["consents"]
        self.device, self.dtype = device, "float32"
        self.weights_sha256 = model.sha256

    def stream(
        self,
        text: str,
        language: Language,
        speaker: str,
        control: Control = UNCHANGED,
        word_controls: Mapping[int, Control] | None = None,
    ) -> Iterator[NDArray[np.float32]]:
        """Pieces of the utterance, as the vocoder has them: the mel is there at once, the samples are not.

        Raises:
            DataError: see `synthesise`.
        """
        for samples in self._vocoder.stream(*self.frames(text, language, speaker, control, word_controls)):
            yield self._limited(samples)

    def frames(
        self,
        text: str,
        language: Language,
        speaker: str,
        control: Control = UNCHANGED,
        word_controls: Mapping[int, Control] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """What the vocoder gets: log mel [T, n_mels], and f0 [T] in Hz, 0 where unvoiced.

        Raises:
            DataError: see `synthesise`.
        """
        _, prediction = self._predicted(text, language, speaker, control, word_controls or {})
        return self._frames(prediction, speaker)

    def synthesise(
        self,
        text: str,
        language: Language,
        speaker: str,
        control: Control = UNCHANGED,
        word_controls: Mapping[int, Control] | None = None,
    ) -> Speech:
        """The whole utterance.

        Args:
            control: of the utterance.
            word_controls: number of a word (see `components.text.Phonemes`) → its own control.

        Raises:
            DataError: empty or over-long text, unknown language, speaker or word.
        """
        timed = self.synthesise_timed(text, language, speaker, control, word_controls)
        return Speech(timed.samples, timed.sample_rate)

    def synthesise_timed(
        self,
        text: str,
        language: Language,
        speaker: str,
        control: Control = UNCHANGED,
        word_controls: Mapping[int, Control] | None = None,
    ) -> TimedSpeech:
        """The whole utterance, with the times of its symbols and words.

        Raises:
            DataError: see `synthesise`.
        """
        said, prediction = self._predicted(text, language, speaker, control, word_controls or {})
        samples = self._limited(self._vocoder(*self._frames(prediction, speaker)))
        durations = [int(frames) for frames in prediction.durations[0].tolist()]
        audio_s = len(samples) / self.sample_rate
        phonemes = phoneme_timings(said.symbols, durations, self._analysis.hop_s, audio_s)
        return TimedSpeech(
            samples, self.sample_rate, phonemes, word_timings(phonemes, said.words, said.written)
        )

    def _predicted(
        self,
        text: str,
        language: Language,
        speaker: str,
        control: Control,
        word_controls: Mapping[int, Control],
    ) -> tuple[Phonemes, Prediction]:
        said = self._understood(text, language, speaker)
        controls = by_symbol(control, word_controls, said.words, len(said.written))
        symbols = SymbolControls.of(controls, self._pitch[speaker].std, self.device)
        prediction = self._network.speak(
            torch.tensor([self._voices.symbols.ids(said.symbols)], device=self.device),
            torch.tensor([self.speakers.index(speaker)], device=self.device),
            torch.tensor([self._voices.languages.index(language)], device=self.device),
            symbols.at_pace(self._inference.pace),
            self._inference.max_frames_per_symbol,
        )
        return said, prediction

    def _understood(self, text: str, language: Language, speaker: str) -> Phonemes:
        if speaker not in self.speakers:
            raise _unknown("speaker", speaker, self.speakers)
        if language not in self._voices.languages:
            raise _unknown("language", language, self._voices.languages)
        said, longest = phonemise(text, language), self._inference.max_symbols
        if len(said.symbols) > longest:
            raise DataError(
                who=f"text {text[:40]!r}…",
                expected=f"at most {longest} symbols (models.fastpitch.inference.max_symbols)",
                found=f"{len(said.symbols)}",
                action="split it into sentences",
            )
        return said

    def _frames(self, prediction: Prediction, speaker: str) -> tuple[Tensor, Tensor]:
        """[T, n_mels] and f0 [T] in Hz of a single utterance."""
        statistics = self._pitch[speaker]
        hertz = (prediction.contour[0] * statistics.std + statistics.mean).exp()
        f0 = torch.where(prediction.voicing[0] > 0, hertz, torch.zeros_like(hertz))
        # The exponential of a wild prediction would be a bang: nothing is louder than the corpus was.
        return prediction.mel[0].clamp(max=self._ceiling), f0

    def _limited(self, samples: Tensor) -> NDArray[np.float32]:
        within = limited(samples, self._inference.limiter_knee, self._inference.peak_limit)
        heard: NDArray[np.float32] = within.float().cpu().numpy()
        return heard


def _another_mel(ours: MelAnalysis, theirs: MelAnalysis) -> ConfigError:
    return ConfigError(
        who="auxiliaries.vocoder",
        expected=f"a vocoder of the mel that FastPitch speaks: {ours}",
        found=f"one of {theirs}",
        action="make pretrain MODEL=vocoder with the audio parameters of models.fastpitch",
    )


def _unknown(kind: str, found: str, known: tuple[str, ...]) -> DataError:
    return DataError(
        who=f"{kind} {found!r}",
        expected=f"one of {', '.join(known)}",
        found=f"a {kind} that this model was not trained on",
        action=f"choose one of these, or train with recordings of that {kind}",
    )
