"""Blocks shared by networks: what padding, distance and the speaker may and may not change."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from components.nn.conditional_layer_norm import ConditionalLayerNorm
from components.nn.feed_forward_transformer import FeedForwardTransformer
from components.nn.length_regulation import PLACES, place_within, repeat_by_duration
from components.nn.masks import masked_mean, valid_positions
from components.nn.relative_attention import RelativeSelfAttention
from components.nn.sinusoidal_positions import sinusoidal_positions


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def test_conditional_layer_norm_starts_as_plain_layer_norm() -> None:
    norm = ConditionalLayerNorm(channels=12, condition_channels=5)
    x, condition = torch.randn(2, 7, 12), torch.randn(2, 5)
    assert torch.equal(norm(x, condition), F.layer_norm(x, (12,)))


def test_conditional_layer_norm_learns_to_tell_speakers_apart() -> None:
    norm = ConditionalLayerNorm(channels=12, condition_channels=5)
    torch.nn.init.normal_(norm.to_gain.weight)
    x = torch.randn(1, 7, 12).expand(2, -1, -1)
    one, other = norm(x, torch.randn(2, 5))
    assert not torch.allclose(one, other)


def relative_attention(max_distance: int = 3) -> RelativeSelfAttention:
    return RelativeSelfAttention(channels=8, heads=2, head_channels=4, max_distance=max_distance, dropout=0.0)


def naive_relative_attention(attention: RelativeSelfAttention, x: torch.Tensor) -> torch.Tensor:
    """Shaw et al., equations 2 to 4, one pair of positions at a time. x: [L, C]."""
    length, heads, size = len(x), attention.heads, attention.head_channels
    query, key, value = attention.to_query_key_value(x).view(length, 3, heads, size).unbind(1)
    mixed = torch.zeros(length, heads, size)
    for head in range(heads):
        for i in range(length):
            scores = []
            for j in range(length):
                clipped = max(-attention.max_distance, min(attention.max_distance, j - i))
                relative = attention.relative_keys[clipped + attention.max_distance]
                scores.append(query[i, head] @ (key[j, head] + relative) / math.sqrt(size))
            mixed[i, head] = torch.stack(scores).softmax(0) @ value[:, head]
    return attention.to_output(mixed.flatten(1))


@torch.no_grad()
def test_relative_attention_equals_the_papers_sum() -> None:
    attention, x = relative_attention(), torch.randn(9, 8)
    found = attention(x.unsqueeze(0), torch.ones(1, 9, dtype=torch.bool))[0]
    torch.testing.assert_close(found, naive_relative_attention(attention, x))


@torch.no_grad()
@pytest.mark.parametrize(("left", "right"), [(0, 4), (3, 0), (2, 5)])
def test_relative_attention_ignores_padding_on_either_side(left: int, right: int) -> None:
    attention, x = relative_attention(), torch.randn(1, 6, 8)
    alone = attention(x, torch.ones(1, 6, dtype=torch.bool))
    padded = torch.cat([torch.randn(1, left, 8), x, torch.randn(1, right, 8)], dim=1)
    valid = torch.zeros(1, left + 6 + right, dtype=torch.bool)
    valid[:, left : left + 6] = True
    torch.testing.assert_close(attention(padded, valid)[:, left : left + 6], alone)


@torch.no_grad()
def test_relative_attention_knows_order() -> None:
    attention, x = relative_attention(), torch.randn(1, 6, 8)
    valid = torch.ones(1, 6, dtype=torch.bool)
    assert not torch.allclose(attention(x.flip(1), valid).flip(1), attention(x, valid), atol=1e-4)


@torch.no_grad()
def test_transformer_gives_a_padded_sequence_what_it_gives_it_alone() -> None:
    transformer = FeedForwardTransformer(
        layers=2, channels=8, heads=2, head_channels=4, ffn_channels=16, kernel=3, condition_channels=5,
        dropout=0.1,
    ).eval()  # fmt: skip
    x, condition = torch.randn(2, 9, 8), torch.randn(2, 5)
    valid = valid_positions(torch.tensor([5, 9]), 9)
    together = transformer(x, valid, condition)
    alone = transformer(x[:1, :5], valid[:1, :5], condition[:1])
    torch.testing.assert_close(together[:1, :5], alone)
    assert torch.all(together[0, 5:] == 0)


def test_positions_are_sines_and_cosines_of_their_index() -> None:
    table = sinusoidal_positions(50, 6, torch.device("cpu"), torch.float32)
    frequency = 10_000 ** (-2 / 6)
    assert table[17, 1].item() == pytest.approx(math.sin(17 * frequency), abs=1e-5)
    assert table[17, 4].item() == pytest.approx(math.cos(17 * frequency), abs=1e-5)
    with pytest.raises(ValueError, match="even"):
        sinusoidal_positions(4, 5, torch.device("cpu"), torch.float32)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.lists(st.integers(0, 7), min_size=4, max_size=4), min_size=1, max_size=3).filter(
        lambda rows: any(map(sum, rows))
    )
)
def test_repeating_equals_repeat_interleave(rows: list[list[int]]) -> None:
    durations, x = torch.tensor(rows), torch.randn(len(rows), 4, 3)
    repeated = repeat_by_duration(x, durations)
    assert repeated.shape[1] == max(map(sum, rows))
    for row, expected, count in zip(repeated, x, durations, strict=True):
        total = int(count.sum())
        assert torch.equal(row[:total], expected.repeat_interleave(count, dim=0))
        assert torch.all(row[total:] == 0)


def test_masked_mean_counts_real_positions_only() -> None:
    values = torch.tensor([[1.0, 2.0, 99.0], [3.0, 99.0, 99.0]])
    valid = valid_positions(torch.tensor([2, 1]), 3)
    assert masked_mean(values, valid).item() == 2.0
    assert masked_mean(values.unsqueeze(-1).expand(-1, -1, 4), valid).item() == 2.0


def test_a_frame_knows_its_place_within_its_symbol() -> None:
    durations = torch.tensor([[1, 4, 0, 2], [2, 1, 0, 0]])
    places = place_within(durations)
    assert places.shape == (2, 7, PLACES)
    share = torch.tensor([0.5, 1 / 8, 3 / 8, 5 / 8, 7 / 8, 1 / 4, 3 / 4])
    torch.testing.assert_close(places[0, :, 0], torch.cos(torch.pi * share))
    torch.testing.assert_close(places[0, :, -1].expm1(), torch.tensor([1.0, 4, 4, 4, 4, 2, 2]))
    assert not places[1, 3:].any()
    torch.testing.assert_close(places[1, :3], place_within(durations[1:, :2])[0])  # padding changes nothing
