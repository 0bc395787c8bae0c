"""The generator's shapes and sizes, from the tests' to the paper's."""

from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from components.core.errors import ConfigError
from components.models.wav2lip.audio import AudioEncoder
from components.models.wav2lip.network import Generator, QualityJudge, hidden_below, mouth_box
from components.models.wav2lip.params import Architecture, Section
from components.models.wav2lip.visual import VisualEncoder, load_published, six_channels


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_paper_size_has_swinv2_base_with_six_channels(paper: Section) -> None:
    with torch.device("meta"):
        generator, judge = Generator(paper.architecture), QualityJudge(paper.architecture)
        made = generator(torch.empty(2, 6, 256, 256), torch.empty(2, 80, 16))
        logits = judge(made)
    assert count(generator.visual.swin) == 86_899_960  # 86.90 M; 86.89 M with three channels
    assert generator.visual.swin.embeddings.patch_embeddings.projection.weight.shape == (128, 6, 4, 4)
    assert made.shape == (2, 3, 256, 256)
    assert made.dtype == torch.float32
    assert logits.shape == (2,)
    assert len(generator.audio.conformers.blocks) == 2


@pytest.mark.parametrize("size", [96, 192, 256])
def test_every_skip_meets_the_decoder_at_its_size(section: Section, size: int) -> None:
    changed = section.architecture.model_copy(update={"image_size": size})
    encoder = VisualEncoder(changed).eval()
    with torch.no_grad():
        maps = encoder(torch.rand(1, 6, size, size))
        made = Generator(changed).eval()(torch.rand(1, 6, size, size), torch.zeros(1, 80, 16))
    widths = section.architecture.decoder_channels
    assert [one.shape for one in maps] == [(1, widths[i], size >> i, size >> i) for i in range(6)]
    assert made.shape == (1, 3, size, size)
    assert 0 <= float(made.min()) <= float(made.max()) <= 1


@pytest.mark.parametrize("size", [64, 96])
@torch.no_grad()
def test_a_laptop_paints_the_lower_half_alone_and_a_still_is_seen_once(section: Section, size: int) -> None:
    changed = section.architecture.model_copy(
        update={"image_size": size, "decoder_top": "shuffle", "decoder_rows": "lower"}
    )
    torch.manual_seed(0)
    generator = Generator(changed).eval()
    frame, mel = torch.rand(1, 3, size, size), torch.randn(3, 80, 16)
    pictures = torch.cat([hidden_below(frame), frame.flip(-1)], dim=1)
    made = generator(pictures, mel)
    assert made.shape == (3, 3, size, size)
    assert bool((made[..., : size // 2, :] == frame[..., : size // 2, :]).all())
    assert float((made[0] - made[1]).abs().max()) > 0
    torch.testing.assert_close(made, generator(pictures.expand(3, -1, -1, -1), mel), atol=1e-5, rtol=1e-4)
    inside = made[:, :, size // 2 :].unflatten(2, (-1, 2)).unflatten(4, (-1, 2))
    # where nothing is given but a smooth mouth, the four pixels of a cell begin alike: no checkerboard
    top, bottom, left, right = (edge // 2 for edge in mouth_box(size))
    mouth = inside[:, :, top - size // 4 + 1 : bottom - size // 4 - 1, :, left + 1 : right - 1]
    assert float(mouth.std(dim=(3, 5)).max()) < 0.02


@pytest.fixture
def generator(section: Section) -> Generator:
    torch.manual_seed(0)
    return Generator(section.architecture).eval()


@torch.no_grad()
def test_a_face_is_the_same_whatever_is_rendered_beside_it(generator: Generator) -> None:
    pictures, mel = torch.rand(3, 6, 64, 64), torch.randn(3, 80, 16)
    together = generator(pictures, mel)
    torch.testing.assert_close(generator(pictures[1:2], mel[1:2]), together[1:2], atol=1e-5, rtol=1e-4)


def test_speech_reference_and_every_fine_map_reach_the_face(generator: Generator) -> None:
    pictures = torch.rand(1, 6, 64, 64, requires_grad=True)
    mel = torch.randn(1, 80, 16, requires_grad=True)
    generator(pictures, mel).square().mean().backward()
    assert pictures.grad is not None
    assert mel.grad is not None
    assert bool((pictures.grad.abs().amax(dim=(0, 2, 3)) > 0).all())
    assert bool((mel.grad.abs().sum(dim=(0, 1)) > 0).all())  # all 16 frames
    silent = [name for name, p in generator.named_parameters() if p.grad is None]
    assert all("layernorm" in name or "mask_token" in name for name in silent), silent


@torch.no_grad()
def test_the_decoder_keeps_its_channels_last(generator: Generator) -> None:
    """One map of the other order among those that are joined, and every convolution computes in that one."""
    met = []

    def meet(_: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        met.append(given[0].is_contiguous(memory_format=torch.channels_last))

    for name, module in generator.named_modules():
        if isinstance(module, nn.Conv2d) and name.startswith(("join", "ups", "end")):
            module.register_forward_pre_hook(meet)
    generator(torch.rand(2, 6, generator.size, generator.size), torch.randn(2, 80, 16))
    assert len(met) > 8
    assert all(met)


@torch.no_grad()
def test_without_strokes_all_is_kept_but_the_mouth(generator: Generator) -> None:
    generator.end.weight.zero_()
    generator.end.bias.copy_(torch.tensor([0.0, 0.0, 0.0, 20.0]))
    frame, reference = torch.rand(1, 3, 64, 64), 0.1 + 0.8 * torch.rand(1, 3, 64, 64)
    made = generator(torch.cat([hidden_below(frame), reference], dim=1), torch.zeros(1, 80, 16))
    top, bottom, left, right = mouth_box(64)
    beside = torch.ones(64, 64, dtype=torch.bool)
    beside[top:bottom, left:right] = False
    torch.testing.assert_close(made[..., :32, :], frame[..., :32, :], atol=5e-3, rtol=0)
    below = beside.clone()
    below[:32] = False
    torch.testing.assert_close(made[..., below], reference[..., below], atol=5e-3, rtol=0)
    assert float(made[..., ~beside].std()) < 0.3 * float(reference[..., ~beside].std())


def test_the_lower_half_is_hidden_and_only_it() -> None:
    faces = torch.rand(2, 5, 3, 8, 8)
    hidden = hidden_below(faces)
    torch.testing.assert_close(hidden[..., :4, :], faces[..., :4, :])
    assert float(hidden[..., 4:, :].abs().max()) == 0
    assert float(faces[..., 4:, :].min()) >= 0
    assert faces is not hidden


def test_a_judge_looks_at_the_lower_half_alone(section: Section) -> None:
    judge = QualityJudge(section.architecture)
    faces = torch.rand(1, 3, 64, 64)
    above, below = faces.clone(), faces.clone()
    above[..., :32, :], below[..., 32:, :] = 0.0, 0.0
    torch.testing.assert_close(judge(above), judge(faces))
    assert not torch.allclose(judge(below), judge(faces))


def test_conformers_stand_where_sixteen_frames_are_left(section: Section) -> None:
    seen: list[torch.Size] = []
    encoder = AudioEncoder(section.architecture)
    encoder.conformers.register_forward_hook(lambda module, given, made: seen.append(made.shape))
    encoder(torch.randn(2, 80, 16))
    assert seen == [(2, 16, section.architecture.conformer_dim)]


def test_six_channels_see_two_equal_pictures_as_three_channels_saw_one() -> None:
    three = nn.Conv2d(3, 4, 4, 4)
    six = nn.Conv2d(6, 4, 4, 4)
    six.load_state_dict({"weight": six_channels(three.weight.detach()), "bias": three.bias.detach()})
    picture = torch.rand(1, 3, 8, 8)
    torch.testing.assert_close(six(torch.cat([picture, picture], dim=1)), three(picture))


def test_published_weights_of_three_channels_are_taken_over(section: Section, tmp_path: Path) -> None:
    from transformers import Swinv2Config, Swinv2Model

    asked = section.architecture.visual_encoder

    def published(width: int) -> Swinv2Model:
        torch.manual_seed(7)
        config = Swinv2Config(
            image_size=64, num_channels=3, embed_dim=width, depths=list(asked.depths),
            num_heads=list(asked.heads), window_size=asked.window,
        )  # fmt: skip
        return Swinv2Model(config, add_pooling_layer=False)

    theirs = published(asked.embed_dim)
    theirs.save_pretrained(tmp_path / "good")
    encoder = VisualEncoder(section.architecture).eval()
    load_published(encoder, str(tmp_path / "good"))
    picture = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        wanted = theirs.eval()(picture).last_hidden_state
        found = encoder.swin(torch.cat([picture, picture], dim=1)).last_hidden_state
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)
    published(2 * asked.embed_dim).save_pretrained(tmp_path / "wide")
    for bad in ("wide", "absent"):
        with pytest.raises(ConfigError, match="checkpoint"):
            load_published(encoder, str(tmp_path / bad))


@pytest.mark.parametrize(
    ("leaf", "value"),
    [("conformer_kernel", 17), ("conformer_kernel", 4), ("conformer_dim", 9), ("image_size", 100)],
)
def test_values_that_cannot_be_are_refused(section: Section, leaf: str, value: int) -> None:
    values = section.architecture.model_dump()
    with pytest.raises(ValidationError, match=leaf):
        Architecture.model_validate({**values, leaf: value, "conformer_heads": 4})
