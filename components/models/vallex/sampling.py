"""From logits to the next code: temperature, top-k, top-p, and what keeps a voice from getting stuck."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from components.models.vallex.params import Inference


def temperature_at(step: Tensor, inference: Inference) -> Tensor:
    """Temperature of decode steps [B], 0-based: linear from start to end over ``anneal_steps``, then held."""
    share = (step.float() / inference.anneal_steps).clamp(max=1.0)
    return inference.temperature_start + share * (inference.temperature_end - inference.temperature_start)


@dataclass(frozen=True)
class Candidates:
    """What may come next, likeliest first: codes and probabilities [B, K], 0 for the excluded."""

    codes: Tensor
    probabilities: Tensor


def candidates(logits: Tensor, temperature: Tensor, top_k: int, top_p: float) -> Candidates:
    """The research log's order: temperature, then top-k, then top-p over what is left, renormalised.

    Top-p keeps the smallest number of likeliest codes whose probabilities reach ``top_p``: the first always
    stays, and one that is only just needed stays (Holtzman et al. 2020, section 3.1).

    Args:
        logits: [B, V]; minus infinity where forbidden, at least one finite in each row.
        temperature: [B] > 0.
        top_k: larger than V: all of them.
        top_p: in (0, 1].
    """
    kept = (logits / temperature.unsqueeze(1)).topk(min(top_k, logits.shape[1]), dim=1)
    shares = kept.values.softmax(dim=1)
    before = shares.cumsum(dim=1) - shares
    shares = shares.masked_fill(before >= top_p, 0.0)
    shares[:, 0] = shares[:, 0].clamp(min=torch.finfo(shares.dtype).tiny)  # before the first is 0 < top_p
    return Candidates(kept.indices, shares / shares.sum(dim=1, keepdim=True))


def drawn(found: Candidates, chance: Tensor) -> Tensor:
    """[B] the code at each row's ``chance`` [B] in [0, 1), along the running sum of the probabilities."""
    running = found.probabilities.cumsum(dim=1)
    # Rounding may leave the last sum below 1; the place after the last is then the last that can be.
    last = (found.probabilities > 0).sum(dim=1, keepdim=True) - 1
    place = (running <= chance.unsqueeze(1) * running[:, -1:]).sum(dim=1, keepdim=True).minimum(last)
    return found.codes.gather(1, place)[:, 0]


class Sampler:
    """Draws the next code of each row.

    The end of speech is forbidden for the first ``min_new_tokens`` steps and at no later one.
    Repetition-aware sampling (VALL-E 2, Chen et al. 2024, algorithm 1): a code that makes up more than
    ``repetition.max_share`` of the last ``repetition.window`` is drawn again, from all codes at the same
    temperature. Chances are drawn for each row from its own seed, so a row's speech does not depend on who
    shares its batch.

    Args:
        inference: ``models.vallex.inference``.
        end: number of the end of speech.
        seeds: one a row.
        steps: at most.
        greedy: take the likeliest code instead; nothing is drawn.
    """

    def __init__(
        self, inference: Inference, end: int, seeds: tuple[int, ...], steps: int, greedy: bool = False
    ) -> None:
        self._inference, self._end, self._greedy = inference, end, greedy
        draws = [torch.rand(steps, 2, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        self._chances = torch.stack(draws)  # [B, steps, 2]

    def of_rows(self, rows: Tensor) -> None:
        """Keep these rows [n] alone; the others have ended."""
        self._chances = self._chances[rows.to(self._chances.device)]

    def next(self, logits: Tensor, step: int, recent: Tensor) -> Tensor:
        """The code of each row.

        Args:
            logits: [B, V].
            step: decode step, 0-based.
            recent: [B, W] the last codes, W up to ``repetition.window``; -1 where there is none.

        Returns:
            [B].
        """
        logits = logits.float()
        if step < self._inference.min_new_tokens:
            logits = logits.index_fill(1, torch.tensor([self._end], device=logits.device), -torch.inf)
        if self._greedy:
            return logits.argmax(dim=1)
        i = self._inference
        temperature = temperature_at(torch.full(logits.shape[:1], step, device=logits.device), i)
        chance = self._chances[:, step].to(logits.device)
        code = drawn(candidates(logits, temperature, i.top_k, i.top_p), chance[:, 0])
        share = (recent == code.unsqueeze(1)).float().sum(dim=1) / i.repetition.window
        stuck = share > i.repetition.max_share
        if bool(stuck.any()):
            anything = drawn(candidates(logits, temperature, logits.shape[1], 1.0), chance[:, 1])
            code = torch.where(stuck, anything, code)
        return code
