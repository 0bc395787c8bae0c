"""The AR model of VALL-E X speaks a fixed number of codes: with its cache, without, in a batch, and as GPT-2.

Random weights of ``models.vallex.architecture`` (size of params.yaml unless told otherwise), greedy decoding,
one thread. Three ratios, each over pairs of runs that follow each other, with a bootstrap interval of 95 %:

- cached against a loop that computes everything again at each step; both must say the same codes. With
  ``--sampled n`` only n steps of that loop are taken, evenly spread over its growing lengths, after the codes
  that the cached loop said, and their time is scaled up: the whole loop takes minutes at the paper's size;
- cached against ``transformers`` generate with its own cache, a GPT-2 of the same width, heads and layers;
- utterances a second in a batch of 8 against one at a time.

    python benchmarks/kv_cache.py [--profile laptop] [--codes 225] [--repeats 3] [--sampled 0]
        [--only cache twin batch]

Prints one line each. CPU time, one thread. Exit code 1 when one misses its goal.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from ratio import Row, in_turns, row, seconds, tell, unmeasured

from components import catalogue
from components.core.paths import project_root
from components.models.vallex.decoding import Request, first_codes, text_of
from components.models.vallex.network import AutoRegressive
from components.models.vallex.params import Architecture, Inference, Section

SYMBOLS, BATCH = 60, 8
GOALS = {
    "cache": unmeasured("1", "AR decode, KV cache", 12.0, "", "weight bytes / memory bandwidth"),
    "twin": unmeasured("2", "AR decode beside transformers", 1.3, "", "GEMM time is shared"),
    "batch": unmeasured("3", f"decode in a batch of {BATCH}", 4.5, "", f"weight reads amortise <= {BATCH}x"),
}
SHORT = ["--profile", "ci", "--codes", "12", "--repeats", "1", "--only", "cache", "batch"]
CPU = torch.device("cpu")


def main() -> int:
    """Measure; 1 when a ratio misses its goal."""
    return tell(_measured(_arguments(None)))


def rows(short: bool) -> list[Row]:
    """Rows 1 to 3; the short form leaves the twin out, which takes another library's start."""
    return list(_measured(_arguments(SHORT if short else [])))


def _measured(arguments: argparse.Namespace) -> Iterator[Row]:
    torch.set_num_threads(1)
    section = catalogue.load(project_root(), arguments.profile).models["vallex"]
    assert isinstance(section, Section)  # noqa: S101 - the catalogue typed it so
    model, rules = _endless(section.architecture), _rules(section.inference, arguments.codes)
    requests = [_request(section.architecture, arguments.codes, seed) for seed in range(BATCH)]
    context = arguments.codes + 1

    def cached(rows: int) -> list[list[int]]:
        return first_codes(model, requests[:rows], rules, context, greedy=True)[0]

    if "cache" in arguments.only:
        said, steps = cached(1)[0], _steps(arguments.codes, arguments.sampled)

        def uncached() -> None:
            if _without_cache(model, requests[0], said, steps) != [said[step] for step in steps]:
                raise SystemExit("the two loops say different codes: the ratio means nothing")

        described = f"the loop without a cache ({len(steps)} of {arguments.codes} steps taken)"
        scale = arguments.codes / len(steps)
        yield _ratio("cache", lambda: cached(1), uncached, arguments.repeats, described, scale=scale)
    if "twin" in arguments.only:
        twin = _twin(section.architecture, arguments.codes)
        described = "transformers generate, GPT-2 shape"
        yield _ratio("twin", lambda: cached(1), twin, arguments.repeats, described)
    if "batch" in arguments.only:
        one, many = (lambda: cached(1)), (lambda: cached(BATCH))
        yield _ratio("batch", many, one, arguments.repeats, "one utterance at a time", BATCH)


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--profile", default=None, help="size; params.yaml's unless told")
    parser.add_argument("--codes", type=int, default=225)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sampled", type=int, default=0, help="steps of the loop without a cache; 0: all")
    parser.add_argument("--only", nargs="*", default=list(GOALS), choices=list(GOALS))
    return parser.parse_args(words)


def _endless(architecture: Architecture) -> AutoRegressive:
    """Random weights, and an end that is never the likeliest."""
    torch.manual_seed(0)
    model = AutoRegressive(architecture).eval().requires_grad_(False)
    model.head.weight[-1].zero_()
    return model


def _rules(inference: Inference, codes: int) -> Inference:
    """As long as is asked for, whatever is said."""
    never = inference.loop.model_copy(update={"window": codes + 1})
    return inference.model_copy(
        update={"min_new_tokens": codes, "max_tokens_per_symbol": float(codes), "loop": never}
    )


def _request(architecture: Architecture, codes: int, seed: int) -> Request:
    generator = torch.Generator().manual_seed(seed)
    symbols = torch.randint(3, architecture.text_vocabulary, (SYMBOLS,), generator=generator).tolist()
    prompt = torch.zeros(architecture.n_codebooks, 0, dtype=torch.long)
    durations = torch.full((SYMBOLS,), codes / SYMBOLS) if architecture.pacing else None
    return Request(symbols, [seed % 4] * SYMBOLS, SYMBOLS, prompt, seed, durations)


def _steps(codes: int, sampled: int) -> list[int]:
    """The steps that are taken without a cache: all, or the middles of so many equal parts."""
    if not sampled:
        return list(range(codes))
    return [int((part + 0.5) * codes / sampled) for part in range(sampled)]


@torch.inference_mode()
def _without_cache(
    model: AutoRegressive, request: Request, said: Sequence[int], steps: Sequence[int]
) -> list[int]:
    """The likeliest code of each of these steps after the codes before it."""
    text, found = text_of([request], CPU), []
    for step in steps:
        logits = model(text, torch.tensor([[model.begin, *said[:step]]]))[0, -1]
        logits[model.end] = -torch.inf
        found.append(int(logits.argmax()))
    return found


def _twin(a: Architecture, codes: int) -> Callable[[], object]:
    """GPT-2 with a prefix as long as the text, told to say as many codes."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=a.codebook_size + 2,
        n_positions=SYMBOLS + codes + 1,
        n_embd=a.d_model,
        n_layer=a.n_layers,
        n_head=a.n_heads,
        n_inner=a.ffn_dim,
        activation_function="relu",
        bos_token_id=0,
        eos_token_id=None,
    )
    torch.manual_seed(0)
    model = GPT2LMHeadModel(config).eval().requires_grad_(False)
    prefix = torch.randint(0, a.codebook_size, (1, SYMBOLS + 1))

    def say() -> object:
        with torch.inference_mode():
            return model.generate(
                prefix,
                attention_mask=torch.ones_like(prefix),
                max_new_tokens=codes,
                min_new_tokens=codes,
                do_sample=False,
                use_cache=True,
                pad_token_id=0,
            )

    return say


def _ratio(
    name: str,
    ours: Callable[[], object],
    baseline: Callable[[], object],
    repeats: int,
    described: str,
    utterances: int = 1,
    scale: float = 1.0,
) -> Row:
    """Seconds an utterance, in turns.

    Args:
        utterances: that ``ours`` speaks while ``baseline`` speaks one.
        scale: of the baseline's time, where only a part of it is taken.
    """
    times = in_turns(lambda: seconds(ours) / utterances, lambda: scale * seconds(baseline), repeats)
    return row(replace(GOALS[name], baseline=described), *times)


if __name__ == "__main__":
    sys.exit(main())
