"""A delivered FastPitch with its front-end and vocoder: text in, samples out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from components.auxiliaries.vocoder.griffin_lim import GriffinLim
from components.core.errors import DataError
from components.core.utterance import Language
from components.models.fastpitch.analysis import mel_analysis
from components.models.fastpitch.network import FastPitch
from components.models.fastpitch.params import Architecture, Section
from components.models.fastpitch.voices import Voices
from components.models.fastpitch.warm_start import NAME
from components.nn.contracts import Speech
from components.nn.delivered import read_delivered
from components.text import phonemise


class FastPitchSpeaker:
    """See `components.nn.contracts.Synthesiser`.

    The network is built from the card that was delivered with the weights; only pace, the longest symbol and
    the vocoder's effort come from the section.

    Args:
        section: ``models.fastpitch``.
        delivered: folder of a delivered FastPitch.
        device: where network and vocoder compute.

    Raises:
        CorruptFileError: the weights are not the ones that were delivered.
        DataError: no delivered FastPitch there.
    """

    def __init__(self, section: Section, delivered: Path, device: torch.device) -> None:
        model = read_delivered(delivered, NAME)
        architecture = Architecture.model_validate(model.card["architecture"])
        self._voices = Voices.from_json(model.card["voices"])
        self._inference = section.inference
        network = FastPitch(architecture, self._voices, training=None)
        network.load_state_dict(dict(model.weights), strict=False)
        self._network = network.to(device).eval()
        analysis = mel_analysis(architecture, model.card["log_floor"])
        vocoder = section.architecture.vocoder
        self._vocoder = GriffinLim(analysis, vocoder.iterations, vocoder.momentum, device)
        self._ceiling = float(model.card["loudest_log_mel"])
        self.sample_rate = architecture.sample_rate_hz
        self.speakers = self._voices.speakers
        self.device, self.dtype = device, "float32"
        self.weights_sha256 = model.sha256

    def stream(self, text: str, language: Language, speaker: str) -> Iterator[NDArray[np.float32]]:
        """One chunk: the decoder sees the whole sentence at once.

        Raises:
            DataError: empty text, unknown language or speaker.
        """
        yield self.synthesise(text, language, speaker).samples

    def synthesise(self, text: str, language: Language, speaker: str) -> Speech:
        """The whole utterance.

        Raises:
            DataError: empty text, unknown language or speaker.
        """
        symbols, speaker_id, language_id = self._understood(text, language, speaker)
        device = self.device
        prediction = self._network.speak(
            torch.tensor([symbols], device=device),
            torch.tensor([speaker_id], device=device),
            torch.tensor([language_id], device=device),
            self._inference.pace,
            self._inference.max_frames_per_symbol,
        )
        # The exponential of a wild prediction would be a bang: nothing is louder than the corpus was.
        samples = self._vocoder(prediction.mel[0].clamp(max=self._ceiling))
        loudest = samples.abs().max().clamp(min=self._inference.peak_limit)
        return Speech((samples * (self._inference.peak_limit / loudest)).cpu().numpy(), self.sample_rate)

    def _understood(self, text: str, language: Language, speaker: str) -> tuple[list[int], int, int]:
        if speaker not in self.speakers:
            raise _unknown("speaker", speaker, self.speakers)
        if language not in self._voices.languages:
            raise _unknown("language", language, self._voices.languages)
        symbols = phonemise(text, language).symbols
        return (
            self._voices.symbols.ids(symbols),
            self.speakers.index(speaker),
            self._voices.languages.index(language),
        )


def _unknown(kind: str, found: str, known: tuple[str, ...]) -> DataError:
    return DataError(
        who=f"{kind} {found!r}",
        expected=f"one of {', '.join(known)}",
        found=f"a {kind} that this model was not trained on",
        action=f"choose one of these, or train with recordings of that {kind}",
    )
