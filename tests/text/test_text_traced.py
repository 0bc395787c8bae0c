"""Text that remembers where it came from."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.text.traced import Traced, plain


def test_a_replacement_stands_for_all_that_it_replaces() -> None:
    text = Traced.of("a12 b").sub(re.compile(r"\d+"), "twelve")
    assert text.text == "atwelve b"
    assert set(text.spans[1:7]) == {(1, 3)}
    assert text.spans[-1] == (4, 5)


def test_letter_by_letter_where_the_length_stays() -> None:
    text = Traced.of("xabx").sub(re.compile("ab"), "AB", by_letter=True)
    assert text.spans == ((0, 1), (1, 2), (2, 3), (3, 4))


def test_what_is_put_in_between_has_its_place() -> None:
    text = Traced.of("A4").sub(re.compile(r"(?<=[A-Z])(?=\d)"), " ")
    assert text.text == "A 4"
    assert text.spans[1] == (1, 1)


def test_words_keep_their_places() -> None:
    assert [word.spans[0][0] for word in Traced.of(" ab  c").words()] == [1, 5]


@pytest.mark.parametrize("text", ["한국", "ｶﾞｷﾞ", "é", "㎞", "ﬁ", "1⁄2", "가각", "ㅎㅏ", "が", "\ud800"])
def test_plain_text_is_compatibility_normalised(text: str) -> None:
    clean = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in text)
    assert plain(text).text == unicodedata.normalize("NFKC", clean)


@given(st.text(max_size=20))
def test_places_are_in_order_and_inside_the_written_text(text: str) -> None:
    traced = plain(text)
    length = len(unicodedata.normalize("NFC", text))
    assert len(traced.spans) == len(traced.text)
    assert all(0 <= start < end <= length for start, end in traced.spans)
    assert list(traced.spans) == sorted(traced.spans)
