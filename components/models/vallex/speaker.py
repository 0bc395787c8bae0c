"""A delivered VALL-E X with its codec: a text and a voice's prompt in, samples out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from components.auxiliaries.codec.contract import Codec, require_same
from components.core.errors import DataError
from components.core.utterance import Language
from components.models.vallex.decoding import (
    Ending,
    Generation,
    Request,
    Spoken,
    first_codes,
    other_codes,
    paced,
)
from components.models.vallex.delivery import DeliveredVallex
from components.models.vallex.params import Section
from components.models.vallex.segmentation import pieces
from components.nn.contracts import Speech
from components.text import UNK, phonemise


@dataclass(frozen=True)
class Voice:
    """A prompt, understood.

    Attributes:
        codes: [Q, P].
        symbols, languages: of what is said in it.
    """

    codes: Tensor
    symbols: tuple[int, ...]
    languages: tuple[int, ...]


@dataclass(frozen=True)
class Utterance:
    """What was spoken, and how each piece of the text ended."""

    speech: Speech
    endings: tuple[Ending, ...]


class VallexSpeaker:
    """Speaks in the voice of a prompt; the text may be in another language than the prompt.

    Args:
        section: ``models.vallex``; what is drawn and how long follow it, dimensions follow the card.
        delivered: folder of a delivered VALL-E X.
        codec: the one it was trained with.
        device: where the language models compute.

    Raises:
        CorruptFileError: the weights are not the ones that were delivered.
        DataError: no delivered VALL-E X there.
        ConfigError: another codec, or another version of the symbols.
    """

    def __init__(self, section: Section, delivered: Path, codec: Codec, device: torch.device) -> None:
        found = DeliveredVallex.read(delivered)
        require_same(codec, found.card.codec_sha256, str(delivered))
        self._inference, self._codec = section.inference, codec
        self._network = found.network().to(device)
        self._languages = found.card.architecture.languages
        self._context = found.card.architecture.context_tokens
        self._places = {name: place for place, name in enumerate(found.card.symbols)}
        self.sample_rate, self.device, self.dtype = codec.sample_rate, device, "float32"
        self.consents: Mapping[str, str] = found.consents
        self.weights_sha256 = found.sha256

    def voice(self, prompt: Speech, text: str, language: Language) -> Voice:
        """Understand a prompt, once for many utterances.

        Args:
            prompt: mono, of any rate.
            text: what is said in it; wrong words come back in the speech.
            language: of the text.

        Raises:
            DataError: too short or long, unusable audio, empty text, or an unknown language.
        """
        import soxr

        limits = self._inference.prompt
        if not limits.min_s <= prompt.duration_s <= limits.max_s:
            raise DataError(
                who="prompt",
                expected=f"{limits.min_s:g} to {limits.max_s:g} s (models.vallex.inference.prompt)",
                found=f"{prompt.duration_s:.1f} s",
                action="cut it together with its text, at a pause",
            )
        samples = prompt.samples.astype(np.float32)
        if prompt.sample_rate != self._codec.sample_rate:
            samples = soxr.resample(samples, prompt.sample_rate, self._codec.sample_rate, quality="HQ")
        symbols = self._ids(phonemise(text, self._known(language)).symbols)
        codes = self._codec.encode(torch.from_numpy(samples)[None])[0]
        return Voice(codes.cpu(), symbols, (self._languages.index(language),) * len(symbols))

    def speak(self, text: str, language: Language, voice: Voice, seed: int) -> Utterance:
        """The whole text; its pieces are spoken as one batch.

        Raises:
            DataError: empty text, unknown language, or a prompt that fills the context.
        """
        requests = self._requests(text, language, voice, seed)
        first, endings = first_codes(self._network.ar, requests, self._inference, self._context)
        parts = [
            self._audible(Spoken(codes, ending))
            for codes, ending in zip(other_codes(self._network.nar, requests, first), endings, strict=True)
        ]
        return Utterance(Speech(np.concatenate(parts), self.sample_rate), tuple(endings))

    def stream(self, text: str, language: Language, voice: Voice, seed: int) -> Iterator[NDArray[np.float32]]:
        """Samples as they become ready, long before the text is spoken.

        The first codebook is that of `speak`; the others are told chunk by chunk, from what is known by then
        alone, so a stream sounds a little different.

        Raises:
            DataError: see `speak`; before the first chunk.
        """
        requests = self._requests(text, language, voice, seed)
        return (chunk for request in requests for chunk in self._streamed(request))

    def _streamed(self, request: Request) -> Iterator[NDArray[np.float32]]:
        generation = Generation(self._network.ar, [request], self._inference, self._context)
        sizes = self._inference.streaming
        known = request.prompt[:, :0]
        sounded, wanted, going = 0, sizes.first_chunk_frames, True
        while going:
            going = generation.advance()
            said = len(generation.codes[0])
            if said < wanted and going:
                continue
            if said > known.shape[1]:
                known = other_codes(self._network.nar, [request], generation.codes, known)[0].cpu()
            # A loop takes codes back; what was heard of them already stays.
            final = known.shape[1] if not going else known.shape[1] - self._codec.lookahead
            if final > sounded:
                made = self._codec.decode(known[None], sounded)[0, : (final - sounded) * self._codec.hop]
                yield made.cpu().numpy()
                sounded = final
            wanted = known.shape[1] + sizes.chunk_frames

    def _audible(self, spoken: Spoken) -> NDArray[np.float32]:
        if spoken.codes.shape[1] == 0:
            return np.zeros(0, np.float32)
        made: NDArray[np.float32] = self._codec.decode(spoken.codes[None])[0].cpu().numpy()
        return made

    def _requests(self, text: str, language: Language, voice: Voice, seed: int) -> list[Request]:
        number = self._languages.index(self._known(language))
        parts = pieces(phonemise(text, language), self._inference.max_symbols)
        requests = [
            Request(
                (*voice.symbols, *symbols),
                (*voice.languages, *(number,) * len(symbols)),
                len(symbols),
                voice.codes,
                seed + place,
            )
            for place, symbols in enumerate(map(self._ids, parts))
        ]
        return paced(self._network.ar, requests)

    def _ids(self, symbols: Sequence[str]) -> tuple[int, ...]:
        return tuple(self._places.get(symbol, self._places[UNK]) for symbol in symbols)

    def _known(self, language: Language) -> Language:
        if language not in self._languages:
            raise DataError(
                who=f"language {language!r}",
                expected=f"one of {', '.join(self._languages)}",
                found="a language that this model was not trained on",
                action="choose one of these",
            )
        return language
