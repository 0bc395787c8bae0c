"""A delivered VALL-E X with its codec: a text and a voice's prompt in, samples out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from components.auxiliaries.codec.contract import Codec, require_same
from components.core.errors import DataError
from components.core.utterance import Language
from components.models.vallex.decoding import Generation, Request, first_codes, paced
from components.models.vallex.delivery import DeliveredVallex
from components.models.vallex.filling import Filled, filled
from components.models.vallex.params import Section
from components.models.vallex.segmentation import pieces
from components.nn.contracts import Speech
from components.nn.limiter import limited
from components.nn.prompting import Ending, Line, Utterance, Voice, require_prompt_length
from components.nn.timbre import Change, share_of
from components.text import UNK, phonemise


class VallexSpeaker:
    """See `components.nn.prompting.PromptedSpeaker`.

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
        self._tables = codec.vectors if section.inference.expected else None
        self.languages = found.card.architecture.languages
        self.learned_from = found.card.speakers
        self.prompt_s = (section.inference.prompt.min_s, section.inference.prompt.max_s)
        self._context = found.card.architecture.context_tokens
        self._places = {name: place for place, name in enumerate(found.card.symbols)}
        self.sample_rate, self.device, self.dtype = codec.sample_rate, device, "float32"
        self.consents: Mapping[str, str] = found.consents
        self.weights_sha256 = found.sha256

    def voice(self, prompt: Speech, text: str, language: Language) -> Voice:
        """See `components.nn.prompting.PromptedSpeaker.voice`.

        Raises:
            DataError: too short or long, unusable audio, empty text, or an unknown language.
        """
        import soxr

        require_prompt_length(prompt.duration_s, self.prompt_s)
        samples = prompt.samples.astype(np.float32)
        if prompt.sample_rate != self._codec.sample_rate:
            samples = soxr.resample(samples, prompt.sample_rate, self._codec.sample_rate, quality="HQ")
        symbols = self._ids(phonemise(text, self._known(language)).symbols)
        heard = torch.from_numpy(samples)[None]
        languages = (self.languages.index(language),) * len(symbols)
        timbre = self._codec.timbre(heard) if self._inference.timbre else None
        return Voice(self._codec.encode(heard)[0].cpu(), symbols, languages, timbre)

    def speak(self, text: str, language: Language, voice: Voice, seed: int) -> Utterance:
        """The whole text; its pieces are spoken as one batch.

        Raises:
            DataError: empty text, unknown language, or a prompt that fills the context.
        """
        return self.speak_all([Line(text, language, voice, seed)])[0]

    def speak_all(self, lines: Sequence[Line]) -> list[Utterance]:
        """All pieces of all lines as one batch.

        Raises:
            DataError: see `speak`.
        """
        parts = [self._requests(one.text, one.language, one.voice, one.seed) for one in lines]
        requests = [request for own in parts for request in own]
        first, endings = first_codes(self._network.ar, requests, self._inference, self._context)
        spoken = zip(filled(self._network, requests, first, self._tables), endings, strict=True)
        return [
            self._utterance([next(spoken) for _ in own], own, line.voice)
            for own, line in zip(parts, lines, strict=True)
        ]

    def stream(self, text: str, language: Language, voice: Voice, seed: int) -> Iterator[NDArray[np.float32]]:
        """Samples as they become ready, long before the text is spoken.

        The first codebook is that of `speak`; the others are told chunk by chunk, from what is known by then
        alone, so a stream sounds a little different.

        Raises:
            DataError: see `speak`; before the first chunk.
        """
        requests = self._requests(text, language, voice, seed)
        return (chunk for request in requests for chunk in self._streamed(request, voice))

    def _streamed(self, request: Request, voice: Voice) -> Iterator[NDArray[np.float32]]:
        generation = Generation(self._network.ar, [request], self._inference, self._context)
        sizes, known = self._inference.streaming, Filled(request.prompt[:, :0], None)
        sounded, wanted, going = 0, sizes.first_chunk_frames, True
        shift: Change | None = None
        while going:
            going = generation.advance()
            said = len(generation.codes[0])
            if said < wanted and going:
                continue
            if said > known.frames:
                more = filled(self._network, [request], generation.codes, self._tables, known.codes)
                known = known.followed_by(more[0])
            # A loop takes codes back; what was heard of them already stays.
            final = known.frames if not going else known.frames - self._codec.lookahead
            if final > sounded:
                if sounded == 0:  # what was heard once stays, so the first chunk decides
                    shift = self._shift(known, voice)
                made = self._decoded(known, shift, sounded)[: (final - sounded) * self._codec.hop]
                yield self._within(made)
                sounded = final
            wanted = known.frames + sizes.chunk_frames

    def _utterance(
        self, spoken: Sequence[tuple[Filled, Ending]], requests: Sequence[Request], voice: Voice
    ) -> Utterance:
        return Utterance(
            Speech(np.concatenate([self._audible(one, voice) for one, _ in spoken]), self.sample_rate),
            tuple(ending for _, ending in spoken),
            sum(one.frames for one, _ in spoken),
            sum(one.target_symbols for one in requests),
        )

    def _audible(self, spoken: Filled, voice: Voice) -> NDArray[np.float32]:
        if spoken.frames == 0:
            return np.zeros(0, np.float32)
        return self._within(self._decoded(spoken, self._shift(spoken, voice)))

    def _shift(self, spoken: Filled, voice: Voice) -> Change | None:
        """A voice that the codec copies badly is approached by its average sound (ADR 35)."""
        limits = self._inference.timbre
        if limits is None or voice.timbre is None:
            return None
        share = share_of(voice.timbre, limits.none_below, limits.whole_above)
        if not share:
            return None
        return self._codec.shift(self._vectors(spoken)[None], voice.timbre, share, limits.spread)

    def _decoded(self, spoken: Filled, shift: Change | None, first: int = 0) -> Tensor:
        if spoken.vectors is None and shift is None:
            return self._codec.decode(spoken.codes[None], first)[0]
        return self._codec.decode_vectors(self._vectors(spoken)[None], first, shift)[0]

    def _vectors(self, spoken: Filled) -> Tensor:
        """[T, D] that are heard: means, or the codes' own."""
        if spoken.vectors is not None:
            return spoken.vectors
        tables = zip(self._codec.vectors, spoken.codes.to(self._codec.device), strict=True)
        return torch.stack([table[row] for table, row in tables]).sum(dim=0)

    def _within(self, samples: Tensor) -> NDArray[np.float32]:
        """A codec knows no full scale: a loud voice is bent before it instead of clipped."""
        limits = self._inference
        bent: NDArray[np.float32] = limited(samples.cpu(), limits.limiter_knee, limits.peak_limit).numpy()
        return bent

    def _requests(self, text: str, language: Language, voice: Voice, seed: int) -> list[Request]:
        number = self.languages.index(self._known(language))
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
        if language not in self.languages:
            raise DataError(
                who=f"language {language!r}",
                expected=f"one of {', '.join(self.languages)}",
                found="a language that this model was not trained on",
                action="choose one of these",
            )
        return language
