"""The memory of a training step at paper size, followed through forward and backward pass."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from components.core.params.experiment import Attention
from components.models.vallex.loss import AR, VallexLearner
from components.models.vallex.params import Architecture as VallexArchitecture
from components.models.wav2lip.network import Generator
from components.models.wav2lip.params import Architecture as LipArchitecture
from components.simulation.operators import Trace, as_shapes, shapes_only, traced

_SYMBOLS = 100
_STATES = 2
"""Float32 numbers that AdamW keeps for each weight."""
_BYTES = 4


@dataclass(frozen=True)
class Step:
    """A training step, simulated.

    Attributes:
        told: model, context or frames.
        batch: rows.
        autocast: bf16 where autocast allows it; weights stay float32.
        checkpointing: activations of blocks are computed again in the backward pass.
        attention: whether scores are written to memory.
        trace: of forward and backward pass; its peak holds weights, gradients and activations.
        states_bytes: of the optimiser, which live all the time.
    """

    told: str
    batch: int
    autocast: bool
    checkpointing: bool
    attention: Attention
    trace: Trace
    states_bytes: int

    @property
    def peak_bytes(self) -> int:
        """Everything at its largest. The allocator's rounding and the device's context come on top."""
        return self.trace.peak_bytes + self.states_bytes


def vallex_step(
    a: VallexArchitecture,
    context: int,
    batch: int,
    autocast: bool,
    checkpointing: bool,
    attention: Attention,
) -> Step:
    """The autoregressive model on ``context`` codes and a text of 100 symbols."""
    net = _built(lambda: vallex_learner(a, checkpointing))

    def loss() -> Tensor:
        total: Tensor = net(AR, vallex_batch(a, context, batch), 0)["total"]
        return total

    told = f"VALL-E X AR, context {context}"
    return _step(told, net, learned_weights(net), batch, autocast, checkpointing, attention, loss)


def vallex_learner(a: VallexArchitecture, checkpointing: bool) -> VallexLearner:
    """The learner without dropout, which would have SDPA write its scores down on some devices."""
    net = VallexLearner(a.model_copy(update={"dropout": 0.0}))
    if checkpointing:
        net.enable_gradient_checkpointing()
    return net


def learned_weights(net: VallexLearner) -> list[nn.Parameter]:
    """Those of the autoregressive model: the other one lies there too, but this phase does not train it."""
    return list(net.network.ar.parameters())


def vallex_batch(a: VallexArchitecture, context: int, batch: int) -> dict[str, Tensor]:
    """A batch that is full to the last place, on torch's default device."""
    return {
        "symbols": _numbers(batch, _SYMBOLS),
        "languages": _numbers(batch, _SYMBOLS),
        "symbol_lengths": torch.full((batch,), _SYMBOLS),
        "durations": torch.full((batch, _SYMBOLS), context / _SYMBOLS),
        "codes": _numbers(batch, a.n_codebooks, context),
        "frames": torch.full((batch,), context),
    }


def wav2lip_step(a: LipArchitecture, frames: int, batch: int, autocast: bool, attention: Attention) -> Step:
    """The generator on windows of ``frames`` faces; judge and SyncNet are left out."""
    net = _built(lambda: Generator(a))
    rows = frames * batch

    def loss() -> Tensor:
        pictures = torch.zeros(rows, 6, a.image_size, a.image_size)
        made: Tensor = net(pictures, torch.zeros(rows, a.n_mels, a.mel_window_frames))
        return made.abs().mean()

    told = f"Wav2Lip generator, {frames} frames of {a.image_size} px"
    return _step(
        told,
        net,
        list(net.parameters()),
        batch,
        autocast,
        checkpointing=False,
        attention=attention,
        loss=loss,
    )


def _step(
    told: str,
    net: nn.Module,
    learned: list[nn.Parameter],
    batch: int,
    autocast: bool,
    checkpointing: bool,
    attention: Attention,
    loss: Callable[[], Tensor],
) -> Step:
    count = sum(one.numel() for one in learned)
    with shapes_only():
        as_shapes(net, torch.float32)

        def work() -> None:
            with attention_kernel(attention):  # checkpointing computes again in the backward pass
                with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
                    total = loss()
                total.backward()  # type: ignore[no-untyped-call]

        trace = traced(work, [*net.parameters(), *net.buffers()])
    return Step(told, batch, autocast, checkpointing, attention, trace, _STATES * _BYTES * count)


@contextlib.contextmanager
def attention_kernel(attention: Attention) -> Iterator[None]:
    """Nothing but these kernels; CUDA's flash attention takes no mask, so another fused one may step in."""
    fused = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION]
    with sdpa_kernel([SDPBackend.MATH] if attention == "math" else fused):
        yield


def _built(make: Callable[[], nn.Module]) -> Any:
    with torch.device("meta"):
        return make().train()


def _numbers(*shape: int) -> Tensor:
    return torch.zeros(shape, dtype=torch.long)
