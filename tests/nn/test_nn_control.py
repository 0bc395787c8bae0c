"""Controls as they are written on a command line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import DataError
from components.nn.control import UNCHANGED, Control, parse_word_control


def test_a_word_keeps_what_it_does_not_change() -> None:
    base = Control(pace=1.2, pitch_shift_semitones=0.0, pitch_scale=1.0, energy=0.9)
    word, control = parse_word_control("2:pace=0.8, pitch_shift=3", base)
    assert word == 2
    assert control == Control(pace=0.8, pitch_shift_semitones=3.0, pitch_scale=1.0, energy=0.9)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("pace=0.8", "found no colon"),
        ("2:speed=0.8", "names pace, pitch_shift, pitch_scale, energy"),
        ("2:pace=fast", "NUMBER:NAME=VALUE"),
        ("two:pace=0.8", "NUMBER:NAME=VALUE"),
        ("2:pace=0", "above 0"),
        ("2:pace=nan", "finite"),
        ("2:energy=-1", "0 or more"),
    ],
)
def test_another_form_is_told(written: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_word_control(written, UNCHANGED)


@given(st.text(max_size=20))
def test_any_text_is_a_control_or_a_typed_error(written: str) -> None:
    try:
        word, control = parse_word_control(written, UNCHANGED)
    except DataError:
        return
    assert isinstance(word, int)
    assert isinstance(control, Control)
