"""The published codec as transformers builds it, against the authors' package with the same drawn weights.

``encodec`` needs torchaudio, which breaks a CPU environment, so both are in the extra ``gpu`` alone.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from transformers import EncodecConfig, EncodecModel

from components.auxiliaries.codec.contract import Choice
from components.auxiliaries.codec.encodec import EncodecCodec

CPU = torch.device("cpu")
#: Part of a name in the package → in transformers, in this order.
RENAMED = (
    ("encoder.model.", "encoder.layers."),
    ("decoder.model.", "decoder.layers."),
    (".conv.conv.", ".conv."),
    (".convtr.convtr.", ".conv."),
    (".weight_g", ".parametrizations.weight.original0"),
    (".weight_v", ".parametrizations.weight.original1"),
    ("quantizer.vq.layers.", "quantizer.layers."),
    ("._codebook.", ".codebook."),
)


def renamed(name: str) -> str:
    for theirs, ours in RENAMED:
        name = name.replace(theirs, ours)
    return name


def with_codewords(theirs: torch.nn.Module, heard: Tensor) -> dict[str, Tensor]:
    """Its state with codewords among the vectors [B, D, T] that it hears: untrained, all of them are 0."""
    generator = torch.Generator().manual_seed(1)
    centre, spread = heard.mean(dim=(0, 2)), heard.std(dim=(0, 2))
    with torch.no_grad():
        for name, value in theirs.state_dict().items():
            if name.endswith("_codebook.embed"):
                value.copy_(spread * torch.randn(value.shape, generator=generator))
                value.add_(centre if ".layers.0." in name else 0.0)
            elif name.endswith("inited"):
                value.fill_(1)
    return {renamed(name): value for name, value in theirs.state_dict().items()}


def test_codes_and_samples_are_those_of_the_authors_package() -> None:
    package = pytest.importorskip(
        "encodec", reason="encodec and torchaudio are in the extra gpu", exc_type=ImportError
    )
    torch.manual_seed(0)
    theirs = package.EncodecModel._get_model([1.5, 3.0, 6.0, 12.0, 24.0], name="drawn").eval()
    wave = 0.1 * torch.randn(2, 12345, generator=torch.Generator().manual_seed(2))
    network = EncodecModel(EncodecConfig())
    with torch.inference_mode():
        heard = theirs.encoder(wave[:, None])
    network.load_state_dict(with_codewords(theirs, heard.clone()))
    ours = EncodecCodec(network, Choice("drawn", 24000, 75, 8, 1024), CPU)
    theirs.set_target_bandwidth(6.0)
    with torch.inference_mode():
        ((codes, scale),) = theirs.encode(wave[:, None])
        assert scale is None
        found = ours.encode(wave)
        assert found.unique().numel() > 50
        assert torch.equal(found, codes)
        samples = theirs.decode([(codes, None)])[:, 0]
    made = ours.decode(found)
    torch.testing.assert_close(made, samples[:, : made.shape[1]], atol=1e-5, rtol=1e-4)
    assert float(made.std()) > 1e-4
