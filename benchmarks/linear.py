"""Linear layers of this repository's networks beside PyTorch's own, forwards and with gradients.

Single precision, one thread, CPU time; shapes of the laptop's networks. PyTorch multiplies by MKL, which
takes narrower vectors on CPUs that are not Intel's, so on an Intel CPU a ratio near one is expected.

    python benchmarks/linear.py [--repeats 9]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from ratio import Row, in_turns, row, seconds, tell, unmeasured
from torch import Tensor, nn

from components.nn.linear import Linear

SHAPES = ((1200, 128, 384), (1200, 256, 80), (600, 192, 768), (600, 768, 192), (400, 176, 512))
"""Rows, terms, columns: FastPitch, RVC's mel decoder, the content encoder twice, VALL-E X."""
CALLS = 20
"""Of each in a repetition."""
GOAL, GOAL_LEARNING = 1.5, 1.2  # gradients also wait for fresh memory, either way
WHAT, BASELINE = "linear layers", "F.linear, CPU time"
LIMIT = "twice the width of a vector, on CPUs that are not Intel's"


def main() -> int:
    """Measure; 1 when a ratio misses its goal."""
    return tell(_measured(_arguments(None).repeats))


def rows(short: bool) -> list[Row]:
    """Forwards, and forwards with gradients."""
    return _measured(1 if short else _arguments([]).repeats)


def _measured(repeats: int) -> list[Row]:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    layers = [(Linear(terms, columns), torch.randn(count, terms)) for count, terms, columns in SHAPES]
    told = {(count, columns): torch.randn(count, columns) for count, _, columns in SHAPES}

    def forwards(plain: bool) -> None:
        with torch.inference_mode():
            for layer, x in layers * CALLS:
                _through(layer, x, plain)

    def learning(plain: bool) -> None:
        for layer, x in layers * CALLS:
            made = _through(layer, x.requires_grad_(True), plain)
            torch.autograd.grad(made, [x, *layer.parameters()], told[tuple(made.shape)])

    return [
        _ratio(unmeasured("lin", f"{WHAT}, forwards", GOAL, BASELINE, LIMIT), forwards, repeats),
        _ratio(
            unmeasured("lin-g", f"{WHAT} with gradients", GOAL_LEARNING, BASELINE, LIMIT), learning, repeats
        ),
    ]


def _ratio(empty: Row, work: Callable[[bool], None], repeats: int) -> Row:
    return row(
        empty, *in_turns(lambda: seconds(lambda: work(False)), lambda: seconds(lambda: work(True)), repeats)
    )


def _through(layer: nn.Linear, x: Tensor, plain: bool) -> Tensor:
    made: Tensor = F.linear(x, layer.weight, layer.bias) if plain else layer(x)
    return made


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
