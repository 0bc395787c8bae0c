"""VALL-E X and its codec as traces: the steps of a decoding differ only in how much they look back on."""

from __future__ import annotations

from typing import Any

import torch

from components.models.vallex.cache import Cache
from components.models.vallex.network import AutoRegressive, NonAutoRegressive, Text
from components.models.vallex.params import Architecture
from components.nn.sinusoidal_positions import sinusoidal_positions
from components.simulation.building import Pass, a_pass, built, ids, zeros
from components.simulation.operators import traced
from components.simulation.workloads import SYMBOLS_PER_SECOND, Workload

_SAMPLED_STEPS = 5
"""Of a decoding; a step's cost grows linearly with what was said before, so few are enough."""


def vallex(
    a: Architecture, seconds: float, prompt_s: float, batch: int, dtype: torch.dtype, cached: bool = True
) -> Workload:
    """Text and a prompt to codes of all codebooks.

    Args:
        seconds: of the speech that is made.
        prompt_s: of the prompt, whose text is read too.
        cached: keys and values are kept; else each step computes everything again.
    """
    symbols = round((seconds + prompt_s) * SYMBOLS_PER_SECOND)
    prompt, frames = round(prompt_s * a.codec_frame_rate_hz), round(seconds * a.codec_frame_rate_hz)
    first = _cached(a, symbols, prompt, frames, batch, dtype) if cached else []
    first = first or _again(a, symbols, prompt, frames, batch, dtype)
    told = f"{symbols} symbols, prompt of {prompt} frames, {frames} frames, batch {batch}"
    passes = (*first, *_others(a, symbols, prompt, frames, batch, dtype))
    return Workload("vallex", told + ("" if cached else ", no cache"), passes)


def encodec(seconds: float, batch: int, dtype: torch.dtype) -> Workload:
    """EnCodec 24 kHz, codes to samples, with the dimensions that `transformers` gives it.

    Its paddings are looked up in tensors, so it is run with real ones, on random weights: under a second.
    """
    from transformers import EncodecConfig, EncodecModel

    config = EncodecConfig()
    frames = round(seconds * config.frame_rate)
    net: Any = EncodecModel(config).decoder.eval().to(dtype)
    heard = zeros(dtype, batch, config.hidden_size, frames)
    with torch.no_grad():
        made = Pass(traced(lambda: net(heard), [*net.parameters(), *net.buffers()]))
    return Workload("encodec", f"{frames} frames, batch {batch}", (made,))


def _cached(
    a: Architecture, symbols: int, prompt: int, frames: int, batch: int, dtype: torch.dtype
) -> list[Pass]:
    net = built(lambda: AutoRegressive(a))

    def cache(used: int) -> Cache:
        heads = net.transformer.heads
        shape = (a.n_layers, batch, heads, net.transformer.head_channels)
        made = Cache(*shape, symbols + prompt + frames + 1, torch.device("cpu"), dtype)
        made.advance(ids(batch), used, None)
        return made

    def step(used: int) -> Pass:
        def one() -> object:
            table = sinusoidal_positions(used, a.d_model, torch.device("cpu"), dtype)
            return net.step(ids(batch), ids(batch), table, cache(used))

        return a_pass(net, dtype, one)

    passes = [
        a_pass(net, dtype, lambda: net.prefill(_text(batch, symbols), ids(batch, prompt + 1), cache(1)))
    ]
    sampled = min(_SAMPLED_STEPS, frames)
    for place in range(sampled):
        share = frames // sampled + (place < frames % sampled)
        said = round(frames * (place + 0.5) / sampled)
        passes.append(Pass(step(symbols + prompt + 1 + said).trace, share))
    return passes


def _again(
    a: Architecture, symbols: int, prompt: int, frames: int, batch: int, dtype: torch.dtype
) -> list[Pass]:
    net: Any = built(lambda: AutoRegressive(a))
    sampled = min(_SAMPLED_STEPS, frames)
    passes = []
    for place in range(sampled):
        share = frames // sampled + (place < frames % sampled)
        heard = prompt + 1 + round(frames * (place + 0.5) / sampled)
        made = a_pass(net, dtype, lambda heard=heard: net(_text(batch, symbols), ids(batch, heard)))  # type: ignore[misc]
        passes.append(Pass(made.trace, share))
    return passes


def _others(
    a: Architecture, symbols: int, prompt: int, frames: int, batch: int, dtype: torch.dtype
) -> list[Pass]:
    net: Any = built(lambda: NonAutoRegressive(a))
    longest = prompt + frames

    def stage() -> object:
        codes, lengths = ids(batch, a.n_codebooks, longest), torch.full((batch,), longest)
        return net(_text(batch, symbols), codes, torch.full((batch,), prompt), lengths, a.n_codebooks - 1)

    return [Pass(a_pass(net, dtype, stage).trace, a.n_codebooks - 1)]


def _text(batch: int, symbols: int) -> Text:
    return Text(ids(batch, symbols), ids(batch, symbols), torch.full((batch,), symbols))
