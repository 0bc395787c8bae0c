"""What a network computes, operator by operator: shapes are followed, nothing is calculated."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

Kind = Literal["matmul", "convolution", "attention", "other"]

_ATEN = torch.ops.aten
_LINEAR = torch.ops.mkldnn._linear_pointwise
_MATMULS = {_ATEN.mm, _ATEN.addmm, _ATEN.bmm, _ATEN.baddbmm, _LINEAR}
_GROUPS = {_ATEN.convolution: 8, _ATEN.convolution_backward: 9}
"""Where a convolution's arguments say how many groups of channels it has."""
_VECTOR = 16
_WITHOUT_KERNEL = {
    _ATEN.empty,
    _ATEN.empty_like,
    _ATEN.empty_strided,
    _ATEN.new_empty,
    _ATEN.new_empty_strided,
    _ATEN._unsafe_view,
    _ATEN._reshape_alias,
    _ATEN.lift_fresh,
    _ATEN.detach,
    _ATEN._local_scalar_dense,
}
_CPU_ATTENTION = {
    _ATEN._scaled_dot_product_flash_attention_for_cpu,
    _ATEN._scaled_dot_product_flash_attention_for_cpu_backward,
}


@dataclass(frozen=True)
class Operator:
    """One launch of a kernel.

    Attributes:
        name: aten's.
        kind: decides its efficiency.
        flops: 2 for a multiplication with its addition, as `torch.utils.flop_counter` has it.
        bytes: read and written, each tensor once.
        dtype: of the first floating-point input.
        results: sums that a product or convolution forms, whatever their terms; 0 of the others.
        padded_flops: ``flops`` if a convolution's channels were rounded up to whole vectors of 16.
        grouped: a convolution whose channels do not all meet.
    """

    name: str
    kind: Kind
    flops: int
    bytes: int
    dtype: torch.dtype
    results: int = 0
    padded_flops: int = 0
    grouped: bool = False


@dataclass(frozen=True)
class Trace:
    """Everything that one pass launches.

    Attributes:
        operators: in order.
        peak_bytes: most that lived at one time: activations, weights, gradients, whatever the pass touched.
            The allocator's rounding and fragments, workspaces of kernels and the device's context are not in.
        views: what was called besides and launches nothing: other looks at the same memory.
        given_bytes: of the memory that it read and had not made itself: weights and inputs, each once.
    """

    operators: tuple[Operator, ...]
    peak_bytes: int
    views: int = 0
    given_bytes: int = 0

    @property
    def flops(self) -> int:
        """Of all operators."""
        return sum(one.flops for one in self.operators)

    @property
    def bytes(self) -> int:
        """Read and written by all operators."""
        return sum(one.bytes for one in self.operators)


@contextmanager
def shapes_only() -> Iterator[FakeTensorMode]:
    """In here tensors have shapes and no memory; modules are brought in with `as_shapes`."""
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        yield mode


def as_shapes(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """A network without memory, in place, its floating-point tensors of that type; only within `shapes_only`.

    Build it on the ``meta`` device: the paper sizes have hundreds of millions of weights.
    """

    def shaped(one: Tensor) -> Tensor:
        kept = dtype if one.is_floating_point() else one.dtype
        return torch.empty(one.shape, dtype=kept, device="cpu")

    for part in module.modules():
        for name, weight in list(part._parameters.items()):
            if weight is not None:
                part._parameters[name] = nn.Parameter(shaped(weight), requires_grad=weight.requires_grad)
        for name, buffer in list(part._buffers.items()):
            if buffer is not None:
                part._buffers[name] = shaped(buffer)
    return module


def traced(work: Callable[[], object], resident: Sequence[Tensor] = ()) -> Trace:
    """Follow a pass.

    Args:
        work: computes with tensors of `shapes_only`, or with real ones.
        resident: what lives before and after (weights, states of an optimiser); counted into the peak.
    """
    recorder = _Recorder()
    for one in resident:
        recorder.hold(one)
    with recorder:
        work()
    return Trace(tuple(recorder.operators), recorder.peak, recorder.views, recorder.given)


class _Recorder(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operators: list[Operator] = []
        self.peak = self._live = self.views = self.given = 0
        self._known: set[int] = set()
        self._made: set[int] = set()
        self._met: set[int] = set()

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        del types
        given = dict(kwargs or {})
        if _is_composite(func):
            with self:  # under inference mode composites arrive whole, and have no kernel of their own
                return func._op_dk(torch._C.DispatchKey.CompositeImplicitAutograd, *args, **given)
        self._meet(args, given)
        made = func(*args, **given)
        for one in tree_leaves(made):
            if isinstance(one, Tensor):
                self._made |= {one.untyped_storage()._cdata} - self._met
                self.hold(one)
        if not _has_kernel(func):
            self.views += 1
            return made
        self.operators.append(_operator(func, args, given, made))
        return made

    def _meet(self, args: tuple[Any, ...], given: Mapping[str, Any]) -> None:
        """Count what comes from outside when it is used first."""
        for one in tree_leaves((args, given)):
            if isinstance(one, Tensor):
                key = one.untyped_storage()._cdata
                if key not in self._made and key not in self._met:
                    self._met.add(key)
                    self.given += _extent(one)

    def hold(self, tensor: Tensor) -> None:
        """Count a tensor's memory as long as somebody holds it."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._known:
            return
        size = storage.nbytes()
        self._known.add(key)
        self._live += size
        self.peak = max(self.peak, self._live)
        weakref.finalize(storage, self._free, key, size)

    def _free(self, key: int, size: int) -> None:
        self._known.discard(key)
        self._live -= size


def _is_composite(func: Any) -> bool:
    known = torch._C._dispatch_has_kernel_for_dispatch_key
    return func.namespace == "aten" and known(func.name(), "CompositeImplicitAutograd")


def _has_kernel(func: Any) -> bool:
    known = func.namespace == "aten" or func.overloadpacket is _LINEAR
    return known and not func.is_view and func.overloadpacket not in _WITHOUT_KERNEL


def _operator(func: Any, args: tuple[Any, ...], given: Mapping[str, Any], made: Any) -> Operator:
    packet = func.overloadpacket
    inputs = [one for one in tree_leaves((args, given)) if isinstance(one, Tensor)]
    outputs = [one for one in tree_leaves(made) if isinstance(one, Tensor)]
    floating = next((one.dtype for one in (*inputs, *outputs) if one.is_floating_point()), torch.float32)
    kind, flops = _kind(packet), _flops(packet, args, given, made)
    grouped = kind == "convolution" and args[_GROUPS[packet]] > 1
    padded = flops if kind != "convolution" or grouped else round(flops * _padding(packet, args))
    return Operator(
        name=str(packet).removeprefix("aten."),
        kind=kind,
        flops=flops,
        bytes=_moved(inputs, outputs),
        dtype=floating,
        results=sum(one.numel() for one in outputs) if kind in ("matmul", "convolution") else 0,
        padded_flops=padded,
        grouped=grouped,
    )


def _kind(packet: Any) -> Kind:
    if packet in _MATMULS:
        return "matmul"
    if packet in _GROUPS:
        return "convolution"
    if "scaled_dot_product" in str(packet):
        return "attention"
    return "other"


def _flops(packet: Any, args: tuple[Any, ...], given: Mapping[str, Any], made: Any) -> int:
    if packet in _CPU_ATTENTION:
        backward = str(packet).endswith("backward")
        query, key, value = args[1:4] if backward else args[:3]
        products = query.shape[-2] * key.shape[-2] * (query.shape[-1] + value.shape[-1])
        forward = 2 * math.prod(query.shape[:-2]) * products
        return int(forward * 5 // 2 if backward else forward)  # five products instead of two
    if packet is _LINEAR:
        x, weight = args[:2]
        return int(2 * x.numel() * len(weight))
    formula = flop_registry.get(packet)
    return 0 if formula is None else int(formula(*args, **given, out_val=made))


def _padding(packet: Any, args: tuple[Any, ...]) -> float:
    """How many times as much it is with whole vectors of channels."""
    weight = args[2] if str(packet).endswith("backward") else args[1]
    channels: list[int] = list(weight.shape[:2])
    return math.prod(math.ceil(one / _VECTOR) * _VECTOR / one for one in channels)


def _moved(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> int:
    """Each tensor once; what is written in place stands among inputs and outputs and counts for both."""
    read = {id(one): _extent(one) for one in inputs}
    return sum(read.values()) + sum(_extent(one) for one in outputs)


def _extent(tensor: Tensor) -> int:
    """Bytes behind a view: a dimension that is only repeated costs nothing."""
    sizes = (size for size, stride in zip(tensor.shape, tensor.stride(), strict=True) if stride != 0)
    return math.prod(sizes) * tensor.element_size()
