"""What autograd keeps of VALL-E X's AR model for the backward pass, at growing contexts.

One block stack of ``models.vallex.architecture`` (text and audio together are the context; the laptop's size
unless told otherwise), in four ways: as it is, with gradient checkpointing, under bf16 autocast, and with the
attention kernel that writes its scores down ("math"). Bytes are counted by saved-tensor accounting
(`components.training.memory.SavedTensors`) over one forward pass, and compared with what the preflight
predicts from passes over one and over two samples (`components.training.preflight.Need`).

    python benchmarks/memory.py [--profile laptop] [--contexts 256 512 1024 2048 4096] [--batch 4] [--fake]

``--fake`` computes shapes alone (torch's FakeTensorMode), so the paper's size needs no memory to be counted.
Prints one line for each context and way; exit code 1 when a prediction is more than 10 % off.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from ratio import Row, tell
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel

from components import catalogue
from components.core.paths import project_root
from components.models.vallex.network import AutoRegressive, Text
from components.models.vallex.params import Architecture, Section
from components.training.memory import SavedTensors
from components.training.preflight import Need

SHORT = ["--profile", "ci", "--contexts", "64", "--batch", "4"]
_TEXT_SHARE = 0.25
_CLOSE = 0.10
_MB = 1e6


@dataclass(frozen=True)
class Way:
    """How a step is computed."""

    name: str
    checkpointing: bool = False
    autocast: bool = False
    math: bool = False


WAYS = (
    Way("plain"),
    Way("checkpointing", checkpointing=True),
    Way("bf16 autocast", autocast=True),
    Way("math attention", math=True),
    Way("math + checkpointing", math=True, checkpointing=True),
)


def main() -> int:
    """Measure; 1 when a prediction is off."""
    return tell([_measured(_arguments(None))])


def rows(short: bool) -> list[Row]:
    """How close the worst prediction comes."""
    return [_measured(_arguments(SHORT if short else []))]


def _measured(arguments: argparse.Namespace) -> Row:
    torch.set_num_threads(1)
    section = catalogue.load(project_root(), arguments.profile).models["vallex"]
    assert isinstance(section, Section)  # noqa: S101 - the catalogue typed it so
    kind = "expected, shapes alone" if arguments.fake else "measured"
    closest = []
    for context in arguments.contexts:
        plain = 0
        for way in WAYS:
            with ExitStack() as stack:
                if arguments.fake:
                    stack.enter_context(FakeTensorMode())
                model = _model(section.architecture, way)
                need = Need.measured(lambda n: _kept(model, n, context, way), 0)  # noqa: B023 - used at once
                found = _kept(model, arguments.batch, context, way)
            predicted = need.kept(arguments.batch)
            plain = plain or found
            closest.append(min(predicted / found, found / predicted))
            print(
                f"memory  context {context:5d}  {way.name:22s} {found / _MB:10.1f} MB  "
                f"{found / plain:5.2f} of plain  predicted {predicted / _MB:10.1f} MB "
                f"({abs(predicted - found) / found:.1%} off)  batch {arguments.batch}, CPU, {kind}",
                flush=True,
            )
    return Row(
        "memory",
        "preflight's prediction of kept bytes, worst",
        min(closest),
        None,
        None,
        1.0 - _CLOSE,
        f"bytes that autograd keeps ({kind})",
        "1: no error",
        len(closest),
    )


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--profile", default="laptop", help="size; none: params.yaml's")
    parser.add_argument("--contexts", nargs="*", type=int, default=[256, 512, 1024, 2048, 4096])
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--fake", action="store_true", help="shapes alone, nothing is computed")
    found = parser.parse_args(words)
    found.profile = None if found.profile == "none" else found.profile
    return found


def _model(architecture: Architecture, way: Way) -> AutoRegressive:
    torch.manual_seed(0)
    # Dropout keeps masks, and on the CPU has SDPA write its scores down: kernels are compared without.
    model = AutoRegressive(architecture.model_copy(update={"dropout": 0.0})).train()
    model.transformer.checkpointing = way.checkpointing
    return model


def _kept(model: AutoRegressive, batch: int, context: int, way: Way) -> int:
    longest = int(_TEXT_SHARE * context)
    frames = context - longest
    lengths = torch.full((batch,), longest)
    symbols = torch.zeros(batch, longest, dtype=torch.long)
    durations = torch.full((batch, longest), frames / longest)
    text = Text(symbols, symbols, lengths, durations if model.guide is not None else None)
    heard = torch.zeros(batch, frames, dtype=torch.long)
    there = [*model.parameters(), symbols, lengths, durations, heard]
    with _computed(way), SavedTensors(there) as saved:
        logits = model(text, heard)
        return saved.bytes if logits.requires_grad else 0


@contextmanager
def _computed(way: Way) -> Iterator[None]:
    kernel = SDPBackend.MATH if way.math else SDPBackend.FLASH_ATTENTION
    with sdpa_kernel([kernel, SDPBackend.MATH]), torch.autocast("cpu", torch.bfloat16, enabled=way.autocast):
        yield


if __name__ == "__main__":
    sys.exit(main())
