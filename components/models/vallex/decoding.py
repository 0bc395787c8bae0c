"""From symbols and a prompt to codes of the first codebook, one after the other; `filling` does the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from components.core.errors import DataError
from components.models.vallex.cache import Cache
from components.models.vallex.loops import is_loop
from components.models.vallex.network import AutoRegressive, Text
from components.models.vallex.pacing import spread
from components.models.vallex.params import Inference
from components.models.vallex.sampling import Sampler
from components.models.vallex.stepping import Prefix, steps_for
from components.nn.prompting import Ending
from components.nn.sinusoidal_positions import sinusoidal_positions

_LOOKS_FOR_LOOPS_EVERY = 10
"""Steps; looking costs as much as a step of a small network."""


@dataclass(frozen=True)
class Request:
    """One utterance to be spoken.

    Attributes:
        symbols: ids of the prompt's text, then of the target's.
        languages: number of each symbol's language; the two parts may differ.
        target_symbols: how many of them are the target's.
        prompt: [Q, P] codes of the prompt's audio; P may be 0.
        seed: of what is drawn.
        durations: frames of codes of each symbol, see `paced`; None where the architecture has no pacing.
    """

    symbols: Sequence[int]
    languages: Sequence[int]
    target_symbols: int
    prompt: Tensor
    seed: int
    durations: Tensor | None = None


class Generation:
    """The first codebook of a batch, one step at a time.

    Rows that have ended leave the batch. A row's codes do not depend on the others in its batch (but for the
    rounding of larger matrix products).

    Args:
        model: in evaluation.
        requests: at least one.
        inference: ``models.vallex.inference``.
        context: most codes of a row, prompt included.
        greedy: take the likeliest code each time.

    Raises:
        DataError: no text, or a prompt that fills the context.
    """

    def __init__(
        self,
        model: AutoRegressive,
        requests: Sequence[Request],
        inference: Inference,
        context: int,
        greedy: bool = False,
    ) -> None:
        self._model, self._inference = model, inference
        self.limits = [_limit(one, inference, context) for one in requests]
        self._told = {row for row, one in enumerate(requests) if _told_length(one) == self.limits[row]}
        self.codes: list[list[int]] = [[] for _ in requests]
        self.ended: list[Ending | None] = [None] * len(requests)
        self._device = model.head.weight.device
        text, heard, self._lengths = prefix_of(requests, model.begin, self._device)
        first, steps, longest = heard.shape[1], max(self.limits), text.symbols.shape[1]
        transformer, dtype = model.transformer, model.head.weight.dtype
        cache = Cache(
            len(transformer.blocks),
            len(requests),
            transformer.heads,
            transformer.head_channels,
            longest + int(self._lengths.max()) + steps,
            self._device,
            dtype,
        )
        table = sinusoidal_positions(first + steps, model.channels, self._device, dtype)
        guide = model.guided(text, first + steps)
        self._ends_with_text = guide is not None
        even = bool((text.lengths == longest).all()) and bool((self._lengths == first).all())
        self._steps = steps_for(Prefix(model, text, table, guide, cache, even), self._lengths)
        self._sampler = Sampler(inference, model.end, tuple(one.seed for one in requests), steps, greedy)
        self._active = list(range(len(requests)))
        window = inference.repetition.window
        self._recent = torch.full((len(requests), window), -1, device=self._device)
        self.step = 0
        with torch.inference_mode():
            made = model.prefill(text, heard, cache)
            self._logits = made[torch.arange(len(made), device=self._device), self._lengths - 1]

    @torch.inference_mode()
    def advance(self) -> bool:
        """Add a code to every row that has not ended; False when all have."""
        if not self._active:
            return False
        logits = self._logits
        if self._ends_with_text:  # the end comes when the text is over, not before
            logits = logits.index_fill(1, torch.tensor([self._model.end], device=self._device), -torch.inf)
        code = self._sampler.next(logits, self.step, self._recent)
        self.step += 1
        going = [self._take(row, one) for row, one in zip(self._active, code.tolist(), strict=True)]
        if not all(going):
            code = self._keep(going, code)
            if not self._active:
                return False
        self._recent = torch.cat([self._recent[:, 1:], code.unsqueeze(1)], dim=1)
        self._logits = self._steps.next(code, self._lengths)
        self._lengths = self._lengths + 1
        return True

    def _take(self, row: int, code: int) -> bool:
        """Whether the row goes on after this code."""
        said = self.codes[row]
        if code == self._model.end:
            self.ended[row] = "end"
            return False
        said.append(code)
        if self.step % _LOOKS_FOR_LOOPS_EVERY == 0 and is_loop(said, self._inference.loop):
            del said[len(said) - self._inference.loop.window :]
            self.ended[row] = "loop"
        elif len(said) >= self.limits[row]:
            self.ended[row] = "end" if row in self._told else "length"
        return self.ended[row] is None

    def _keep(self, going: Sequence[bool], code: Tensor) -> Tensor:
        rows = torch.tensor([place for place, one in enumerate(going) if one], device=self._device).long()
        self._active = [row for row, one in zip(self._active, going, strict=True) if one]
        self._lengths, self._recent = self._lengths[rows], self._recent[rows]
        self._steps.of_rows(rows)
        self._sampler.of_rows(rows)
        return code[rows]


def first_codes(
    model: AutoRegressive,
    requests: Sequence[Request],
    inference: Inference,
    context: int,
    greedy: bool = False,
) -> tuple[list[list[int]], list[Ending]]:
    """Codes of the first codebook and why each row ended; see `Generation`."""
    generation = Generation(model, requests, inference, context, greedy)
    while generation.advance():
        pass
    return generation.codes, [ending or "length" for ending in generation.ended]


def text_of(requests: Sequence[Request], device: torch.device) -> Text:
    """Symbols and languages of a batch, padded."""

    def padded(parts: Sequence[Sequence[int]]) -> Tensor:
        rows = [torch.tensor(part, dtype=torch.long) for part in parts]
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True).to(device)

    lengths = torch.tensor([len(one.symbols) for one in requests], device=device)
    told = [one.durations for one in requests if one.durations is not None]
    durations = None
    if len(told) == len(requests):
        durations = torch.nn.utils.rnn.pad_sequence(told, batch_first=True).to(device)
    languages = padded([one.languages for one in requests])
    return Text(padded([one.symbols for one in requests]), languages, lengths, durations)


@torch.inference_mode()
def paced(model: AutoRegressive, requests: Sequence[Request]) -> list[Request]:
    """The requests with how long each symbol lasts; unchanged where the architecture has no pacing.

    What is told of the prompt's symbols is stretched to the prompt; the target lasts whole frames.
    """
    if model.durations is None:
        return list(requests)
    text = text_of(requests, model.head.weight.device)
    told = model.durations(model.text.vectors(text), text.lengths).cpu()
    made = []
    for request, row in zip(requests, told, strict=True):
        parts = row[: len(request.symbols)].split(
            [len(request.symbols) - request.target_symbols, request.target_symbols]
        )
        frames = (request.prompt.shape[1], max(1, round(float(parts[1].sum()))))
        both = [spread(part, count) for part, count in zip(parts, frames, strict=True)]
        made.append(replace(request, durations=torch.cat(both)))
    return made


def _told_length(request: Request) -> int | None:
    """Frames of the target, where they are told."""
    if request.durations is None:
        return None
    return round(float(request.durations[-request.target_symbols :].sum()))


def prefix_of(
    requests: Sequence[Request], begin: int, device: torch.device, said: Sequence[Sequence[int]] | None = None
) -> tuple[Text, Tensor, Tensor]:
    """Text, what is heard before the next code [B, T], and how much of it each row has [B].

    Args:
        said: codes of each row after its prompt; None: nothing yet.
    """
    after = said or [()] * len(requests)
    heard = [
        torch.cat([torch.tensor([begin]), one.prompt[0].cpu().long(), torch.tensor(own, dtype=torch.long)])
        for one, own in zip(requests, after, strict=True)
    ]
    lengths = torch.tensor([len(row) for row in heard], device=device)
    padded = torch.nn.utils.rnn.pad_sequence(heard, batch_first=True).to(device)
    return text_of(requests, device), padded, lengths


def _limit(request: Request, inference: Inference, context: int) -> int:
    """Most new codes of a row."""
    if not request.symbols or request.target_symbols < 1:
        raise DataError(
            who="text to be spoken", expected="at least one symbol", found="none", action="give it a text"
        )
    room, prompt = context - request.prompt.shape[1], request.prompt.shape[1]
    if room <= inference.min_new_tokens:
        raise DataError(
            who="prompt",
            expected=f"fewer than {context - inference.min_new_tokens} frames: speech shares the {context}",
            found=f"{prompt}",
            action="give a shorter prompt",
        )
    wanted = max(
        inference.min_new_tokens, math.ceil(inference.max_tokens_per_symbol * request.target_symbols)
    )
    return min(room, _told_length(request) or wanted)
