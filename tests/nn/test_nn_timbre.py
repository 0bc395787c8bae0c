"""What a codec loses of a voice is measured, and given back as an average."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from components.nn.timbre import Timbre, share_of, shift_towards

VOICED = torch.arange(40) < 30


def sound(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(40, 8, generator=generator), 5.0 + 0.1 * torch.randn(40, generator=generator)


def known(seed: int = 1, lost: float = 0.0) -> Timbre:
    mel, log_f0 = sound(seed)
    made = Timbre.of(mel, mel - lost, log_f0, VOICED)
    assert made is not None
    return made


def test_what_is_lost_is_the_mean_that_a_copy_misses() -> None:
    """Errors that cancel out over time are no loss of the voice."""
    mel, log_f0 = sound(1)
    wobble = torch.where(torch.arange(40) % 2 == 0, 0.7, -0.7)[:, None]
    copy = mel - 0.3 + wobble
    made = Timbre.of(mel, copy, log_f0, VOICED)
    assert made is not None
    assert made.lost == pytest.approx(0.3, abs=1e-5)
    assert made.log_f0 == pytest.approx(float(log_f0[:30].median()))
    assert Timbre.of(mel, copy, log_f0, torch.arange(40) < 5) is None, "too little is voiced"


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 99), st.floats(0.05, 1.0))
def test_speech_goes_so_far_towards_the_voice(seed: int, share: float) -> None:
    voice = known()
    mel, log_f0 = sound(seed)
    shift = shift_towards(voice, mel, log_f0, VOICED, share)
    assert shift is not None
    before = voice.mel - mel[VOICED].mean(dim=0)
    after = voice.mel - (mel + shift.mel)[VOICED].mean(dim=0)
    torch.testing.assert_close(after, (1 - share) * before, atol=1e-5, rtol=1e-4)
    pitch = voice.log_f0 - float((log_f0 + shift.log_f0)[VOICED].median())
    assert pitch == pytest.approx((1 - share) * (voice.log_f0 - float(log_f0[VOICED].median())), abs=1e-5)


def test_nothing_is_shifted_without_voicing_or_a_share() -> None:
    mel, log_f0 = sound(2)
    assert shift_towards(known(), mel, log_f0, VOICED, 0.0) is None
    assert shift_towards(known(), mel, log_f0, torch.zeros(40, dtype=torch.bool), 1.0) is None


def test_how_far_follows_the_loss() -> None:
    shares = [share_of(known(lost=lost), 0.1, 0.3) for lost in (0.0, 0.1, 0.2, 0.3, 5.0)]
    assert shares == pytest.approx([0.0, 0.0, 0.5, 1.0, 1.0], abs=1e-4)
