"""Splits go by sentence, stay put, and have the shares that were asked for."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from components.core.params.data import SplitParams
from components.core.utterance import Role, Split, Utterance
from components.data.splits import audio_leaks, sentence_leaks, speaker_leaks, split_of

SHARES = SplitParams(validation=0.1, test=0.2)


def row(number: int, text: str, split: Split, speaker: str = "s1", role: Role = "model") -> Utterance:
    return Utterance(
        utterance_id=f"u{number}",
        speaker_id=speaker,
        language="ko",
        text=text,
        path=f"wav/{number}.wav",
        duration_s=1.0,
        sample_rate=16000,
        split=split,
        role=role,
        consent="c1",
        licence="CC0-1.0",
        sha256=f"{number:064x}",
    )


@given(text=st.text(min_size=1).filter(str.strip), ids=st.lists(st.text(), min_size=2, max_size=4))
def test_a_sentence_is_in_one_split_whoever_says_it(text: str, ids: list[str]) -> None:
    spellings = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
    found = {split_of(spelling, "ko", name, SHARES, seed=3) for spelling in spellings for name in ids}
    assert len(found) == 1


def test_shares_are_as_asked_and_depend_on_the_seed() -> None:
    sentences = [f"문장 번호 {number}" for number in range(4000)]
    splits = [split_of(text, "ko", "", SHARES, seed=1) for text in sentences]
    assert abs(splits.count("test") / 4000 - 0.2) < 0.03
    assert abs(splits.count("validation") / 4000 - 0.1) < 0.03
    assert splits != [split_of(text, "ko", "", SHARES, seed=2) for text in sentences]


def test_recordings_without_text_split_by_id() -> None:
    splits = {split_of("", "it", f"clip {number}", SHARES, seed=1) for number in range(100)}
    assert splits == {"train", "validation", "test"}


def test_no_share_puts_everything_into_training() -> None:
    nothing = SplitParams(validation=0.0, test=0.0)
    assert {split_of(f"{n}", "ko", "", nothing, seed=1) for n in range(100)} == {"train"}


def test_a_sentence_on_two_sides_is_found() -> None:
    rows = [row(1, "Same  Words", "train"), row(2, "same words", "test"), row(3, "other", "test")]
    (leak,) = sentence_leaks(rows)
    assert leak.sides == ("test", "train")
    assert leak.utterance_ids == ("u1", "u2")
    assert sentence_leaks([row(1, "", "train"), row(2, "", "test")]) == ()


def test_a_speaker_with_two_roles_is_found() -> None:
    rows = [row(1, "a", "train"), row(2, "b", "train", role="unseen"), row(3, "c", "train", speaker="s2")]
    assert [leak.what for leak in speaker_leaks(rows)] == ["s1"]


def test_a_recording_on_two_sides_is_found() -> None:
    twin = row(2, "b", "test").model_copy(update={"sha256": row(1, "a", "train").sha256})
    assert [leak.utterance_ids for leak in audio_leaks([row(1, "a", "train"), twin])] == [("u1", "u2")]
