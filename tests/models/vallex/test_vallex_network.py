"""Who looks at whom, sizes, padding, the cache, and what the parameters refuse."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_vallex import section_of, text_of

from components.models.vallex.cache import Cache
from components.models.vallex.masks import full_mask, prefix_mask
from components.models.vallex.network import AutoRegressive, Text, VallexNetwork
from components.models.vallex.params import Section
from components.nn.sinusoidal_positions import sinusoidal_positions


def test_the_truth_table_of_the_prefix_mask() -> None:
    found = prefix_mask(torch.tensor([2, 3]), 3, 3).int().tolist()
    short = [
        [1, 1, 0, 0, 0, 0],  # text sees text, never audio, never padding
        [1, 1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],  # padding sees what is real: no row is empty
        [1, 1, 0, 1, 0, 0],  # audio sees text and the audio before
        [1, 1, 0, 1, 1, 0],
        [1, 1, 0, 1, 1, 1],
    ]
    whole = [
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 1, 1, 1, 0],
        [1, 1, 1, 1, 1, 1],
    ]
    assert found == [short, whole]


def test_the_truth_table_of_the_full_mask() -> None:
    found = full_mask(torch.tensor([1, 2]), 2, torch.tensor([3, 1]), 3).int().tolist()
    assert found == [[[1, 0, 1, 1, 1]], [[1, 1, 1, 0, 0]]]


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(st.integers(1, 6), min_size=1, max_size=3), frames=st.integers(1, 7))
def test_the_prefix_mask_by_its_rule(texts: list[int], frames: int) -> None:
    longest = max(texts)
    mask = prefix_mask(torch.tensor(texts), longest, frames)
    for row, length in enumerate(texts):
        for query in range(longest + frames):
            for key in range(longest + frames):
                to_text = key < length
                to_audio = longest <= key <= query and query >= longest
                assert bool(mask[row, query, key]) is (to_text or to_audio)


def test_true_means_attend(network: VallexNetwork) -> None:
    """With the opposite meaning a code would hear the codes after it and not those before."""
    text = text_of(4)
    heard = torch.randint(0, 16, (1, 6), generator=torch.Generator().manual_seed(1))
    before = network.ar(text, heard)
    other = heard.clone()
    other[0, 3] = (other[0, 3] + 1) % 16
    after = network.ar(text, other)
    assert torch.equal(before[:, :3], after[:, :3])
    assert (before[:, 3:] - after[:, 3:]).abs().amax(dim=2).min() > 1e-3


def test_text_never_hears_audio(network: VallexNetwork) -> None:
    text, states = text_of(4), []
    network.ar.transformer.blocks[-1].register_forward_hook(
        lambda module, inputs, output: states.append(output[:, :4])
    )
    for seed in (1, 2):
        network.ar(text, torch.randint(0, 16, (1, 6), generator=torch.Generator().manual_seed(seed)))
    assert torch.equal(*states)


def test_padding_changes_nothing(network: VallexNetwork) -> None:
    generator = torch.Generator().manual_seed(3)
    text = text_of(5, 3)
    codes = torch.randint(0, 16, (2, 3, 9), generator=generator)
    alone = Text(text.symbols[1:, :3], text.languages[1:, :3], torch.tensor([3]))
    both, one = network.ar(text, codes[:, 0]), network.ar(alone, codes[1:, 0, :6])
    torch.testing.assert_close(both[1, :6], one[0], atol=1e-5, rtol=1e-5)
    lengths, prompt = torch.tensor([9, 6]), torch.tensor([2, 2])
    for stage in (1, 2):
        together = network.nar(text, codes, prompt, lengths, stage)
        single = network.nar(alone, codes[1:, :, :6], prompt[1:], lengths[1:], stage)
        torch.testing.assert_close(together[1, :6], single[0], atol=1e-5, rtol=1e-5)


def test_the_nar_hears_the_books_before_and_the_whole_prompt(network: VallexNetwork) -> None:
    text = text_of(4)
    codes = torch.randint(0, 16, (1, 3, 8), generator=torch.Generator().manual_seed(4))
    prompt, lengths = torch.tensor([3]), torch.tensor([8])

    def changed(book: int, frame: int, stage: int) -> bool:
        other = codes.clone()
        other[0, book, frame] = (other[0, book, frame] + 5) % 16
        told = [network.nar(text, one, prompt, lengths, stage) for one in (codes, other)]
        return not torch.allclose(*told)

    assert changed(0, 5, 1)
    assert not changed(1, 5, 1), "the answer is not heard"
    assert not changed(2, 5, 1)
    assert changed(1, 5, 2)
    assert not changed(2, 5, 2)
    assert changed(2, 1, 1), "of the prompt every codebook is known"


def test_stages_and_languages_are_told_apart(network: VallexNetwork) -> None:
    text, generator = text_of(4), torch.Generator().manual_seed(5)
    codes = torch.randint(0, 16, (1, 3, 8), generator=generator)
    other = Text(text.symbols, (text.languages + 1) % 4, text.lengths)
    prompt, lengths = torch.tensor([3]), torch.tensor([8])
    assert not torch.allclose(network.ar(text, codes[:, 0]), network.ar(other, codes[:, 0]))
    first = network.nar(text, codes, prompt, lengths, 1)
    assert not torch.allclose(first, network.nar(other, codes, prompt, lengths, 1))
    with torch.no_grad():
        before = network.nar(text, codes, prompt, lengths, 2)
        network.nar.stages.weight[1] += 1.0
        assert not torch.allclose(before, network.nar(text, codes, prompt, lengths, 2))
        torch.testing.assert_close(first, network.nar(text, codes, prompt, lengths, 1))


def test_cached_equals_uncached(network: VallexNetwork) -> None:
    """Rows of different texts and prompts, side by side, against each alone without a cache."""
    ar, generator = network.ar, torch.Generator().manual_seed(6)
    text, prompts = text_of(5, 3), torch.tensor([4, 2])
    codes = torch.randint(0, 16, (2, 12), generator=generator)
    cache = Cache(
        2, 2, ar.transformer.heads, ar.transformer.head_channels, 5 + 12, ar.head.weight.device, torch.float32
    )
    table = sinusoidal_positions(12, ar.channels, ar.head.weight.device, torch.float32)
    with torch.no_grad():
        ar.prefill(text, codes[:, :4], cache)
        for step in range(8):
            lengths = prompts + step
            places = 5 + lengths
            used = int(places.max()) + 1
            at = torch.arange(used).unsqueeze(0)
            mask = (at < text.lengths.unsqueeze(1)) | ((at >= 5) & (at <= places.unsqueeze(1)))
            cache.advance(places, used, mask[:, None, None])
            code = codes.gather(1, lengths.unsqueeze(1))[:, 0]
            cached = ar.step(code, lengths, table, cache)
            for row, (size, length) in enumerate(zip(text.lengths.tolist(), lengths.tolist(), strict=True)):
                alone = Text(
                    text.symbols[row : row + 1, :size],
                    text.languages[row : row + 1, :size],
                    text.lengths[row : row + 1],
                )
                whole = ar(alone, codes[row : row + 1, : length + 1])[0, -1]
                torch.testing.assert_close(cached[row], whole, atol=1e-5, rtol=1e-5)


def test_positions_begin_anew_in_each_part(network: VallexNetwork) -> None:
    """A longer text does not move the audio: the same vector is added to the first code."""
    positions, seen = network.ar.positions, []
    positions.register_forward_hook(lambda module, inputs, output: seen.append(output - inputs[0]))
    heard = torch.zeros(1, 3, dtype=torch.long)
    for length in (2, 6):
        network.ar(text_of(length), heard)
    assert torch.allclose(*seen)


def test_the_paper_size() -> None:
    """Layers as the published implementation has them: 151.2 and 203.6 million."""
    with torch.device("meta"):
        network = VallexNetwork(section_of(None).architecture)
    blocks = {
        name: sum(p.numel() for p in model.transformer.parameters())
        for name, model in (("ar", network.ar), ("nar", network.nar))
    }
    assert blocks["ar"] == pytest.approx(151.2e6, rel=0.001)
    assert blocks["nar"] == pytest.approx(203.6e6, rel=0.002)
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(369.4e6, rel=0.01)


def test_the_laptop_size_fits_in_twelve_megabytes_with_its_codec() -> None:
    from components import catalogue
    from components.auxiliaries.codec.network import CodecNetwork
    from components.auxiliaries.codec.params import Section as CodecSection
    from components.core.paths import project_root

    section = section_of("laptop")
    codec = catalogue.load(project_root(), "laptop").auxiliaries["codec"]
    assert isinstance(codec, CodecSection)
    small = CodecNetwork(codec.architecture)
    kept = {name: value for name, value in small.state_dict().items() if "sums" not in name}
    parameters = sum(p.numel() for p in VallexNetwork(section.architecture).parameters())
    assert section.training.delivered_dtype == codec.training.delivered_dtype == "float16"
    assert 2 * (parameters + sum(value.numel() for value in kept.values())) < 12e6


def test_every_part_has_its_own_tables(section: Section) -> None:
    ar = AutoRegressive(section.architecture)
    assert (ar.end, ar.begin) == (16, 17)
    assert ar.head.out_features == 17, "begin is never said"
    assert ar.codes.num_embeddings == 18
