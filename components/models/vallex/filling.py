"""The other codebooks at once, and what all codes sound like on average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from components.models.vallex.decoding import Request, prefix_of, text_of
from components.models.vallex.network import AutoRegressive, NonAutoRegressive, VallexNetwork


@dataclass(frozen=True)
class Filled:
    """A row without its prompt.

    Attributes:
        codes: [Q, T] of all codebooks.
        vectors: [T, D] what the codec is to make audible; None: the codes themselves.
    """

    codes: Tensor
    vectors: Tensor | None

    @property
    def frames(self) -> int:
        """T."""
        return self.codes.shape[1]

    def followed_by(self, whole: Filled) -> Filled:
        """This, grown by what `filled` told when this was known: all codes, but new vectors only."""
        if whole.vectors is None or self.vectors is None:
            return whole
        return Filled(whole.codes, torch.cat([self.vectors, whole.vectors]))


def filled(
    network: VallexNetwork,
    requests: Sequence[Request],
    first: Sequence[Sequence[int]],
    tables: Tensor | None,
    known: Tensor | None = None,
) -> list[Filled]:
    """The other codebooks, and with ``tables`` the vectors that codes stand for on average.

    A code that is drawn is one of several that could be; all that follows is told as if it were certain. What
    is heard need not: the mean of the codewords by their probabilities, summed over the codebooks, is the
    nearest guess of the codec's vector (in squares), as a regression would make it. The AR tells its
    probabilities once more, for all frames at once; the codes stay the ones that were drawn.

    Args:
        first: the first codebook of each row; a row may be empty.
        tables: [Q, size, D], see `Codec.vectors`; None: codes alone.
        known: [Q, K] codes of a single row's first K frames that are fixed already (a stream's). ``vectors``
            are those of the frames after them.
    """
    codes, later = other_codes(network.nar, requests, first, known, tables)
    if tables is None:
        return [Filled(row, None) for row in codes]
    skipped = 0 if known is None else known.shape[1]
    told = first_vectors(network.ar, requests, first, tables[0])
    return [Filled(row, begun[skipped:] + rest) for row, begun, rest in zip(codes, told, later, strict=True)]


@torch.inference_mode()
def first_vectors(
    model: AutoRegressive, requests: Sequence[Request], first: Sequence[Sequence[int]], table: Tensor
) -> list[Tensor]:
    """Mean codeword [T, D] of the first codebook in each row, from the probabilities at each drawn code.

    Temperature, top-k and top-p are of the draw and leave them as they are; the end is no sound.
    """
    text, heard, lengths = prefix_of(requests, model.begin, model.head.weight.device, first)
    logits = model(text, heard)[..., : len(table)].float()
    means = logits.softmax(dim=2) @ table.float()
    ends = lengths.tolist()
    return [row[end - len(own) - 1 : end - 1] for row, end, own in zip(means, ends, first, strict=True)]


@torch.inference_mode()
def other_codes(
    model: NonAutoRegressive,
    requests: Sequence[Request],
    first: Sequence[Sequence[int]],
    known: Tensor | None = None,
    tables: Tensor | None = None,
) -> tuple[list[Tensor], list[Tensor]]:
    """All codebooks [Q, T] of each row, the likeliest code everywhere; mean codewords of all but the first.

    Args:
        first: the first codebook of each row.
        known: see `filled`.
        tables: see `filled`.

    Returns:
        Codes of all frames; vectors [T - K, D] of those that were not known, empty without ``tables``.
    """
    device = model.codes.device
    text = text_of(requests, device)
    prompts = [one.prompt.to(device) for one in requests]
    if known is not None:
        prompts = [torch.cat([prompts[0], known.to(device)], dim=1)]
    skipped = 0 if known is None else known.shape[1]
    rows = [_with_first(p, codes[skipped:], model.books) for p, codes in zip(prompts, first, strict=True)]
    lengths = torch.tensor([row.shape[1] for row in rows], device=device)
    codes = pad_sequence([row.t() for row in rows], batch_first=True).transpose(1, 2)
    heard = torch.tensor([p.shape[1] for p in prompts], device=device)
    open_ = torch.arange(codes.shape[2], device=device).unsqueeze(0) >= heard.unsqueeze(1)
    means = []
    for stage in range(1, model.books):
        logits = model(text, codes, heard, lengths, stage)
        codes[:, stage] = torch.where(open_, logits.argmax(dim=2), codes[:, stage])
        if tables is not None:
            means.append(logits.float().softmax(dim=2) @ tables[stage].float())
    ends = lengths.tolist()
    starts = [one.prompt.shape[1] for one in requests]
    summed = torch.stack(means).sum(dim=0) if means else codes.new_zeros(len(rows), 0, 0)
    return (
        [row[:, start:end] for row, start, end in zip(codes, starts, ends, strict=True)],
        [row[begin:end] for row, begin, end in zip(summed, heard.tolist(), ends, strict=True)],
    )


def _with_first(prompt: Tensor, first: Sequence[int], books: int) -> Tensor:
    """[Q, P + T]: the prompt, then the first codebook with nothing known of the others."""
    rest = torch.zeros(books, len(first), dtype=torch.long, device=prompt.device)
    rest[0] = torch.tensor(first, dtype=torch.long, device=prompt.device)
    return torch.cat([prompt.long(), rest], dim=1)
