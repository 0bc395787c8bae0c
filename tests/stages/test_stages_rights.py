"""What a card says of recorded people: their names and terms, and nothing of those who taught nothing."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from tone_corpus import CONSENT, ToneCorpus

from components.data.corpus import Corpus
from components.data.csv_table import table_text
from components.data.human import NARRATORS, credit
from components.stages.pretrain import _card, _Made
from components.stages.rights import rights


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """A generated voice, a licensed one, one by agreement."""
    made = ToneCorpus(tmp_path / "people")
    flora = {"consent_id": "c2", "speaker_id": "human_carlo_flora", "basis": "licence"}
    minji = {
        "consent_id": "c3", "speaker_id": "minji", "basis": "document", "document_sha256": "a" * 64,
        "scope": ("train", "clone"), "signed": datetime.date(2026, 1, 1),
        "expires": datetime.date(2027, 1, 1),
    }  # fmt: skip
    made.consents |= {c["consent_id"]: CONSENT.model_copy(update=c) for c in (flora, minji)}  # type: ignore[misc]
    made.add("a")
    made.add("b", speaker_id="human_carlo_flora", consent="c2", licence="CC-BY-3.0", role="human")
    made.add("c", speaker_id="minji", consent="c3", licence="deed", role="human")
    return Corpus(made.write())


def store(folder: Path, ids: list[str]) -> Path:
    folder.mkdir()
    (folder / "index.csv").write_text(table_text(("clip_id", "speaker"), [(one, "x") for one in ids]))
    return folder


def test_people_are_named_with_their_terms(corpus: Corpus, tmp_path: Path) -> None:
    lines = rights(store(tmp_path / "store", ["a/0", "b/0", "b/1", "c", "rendered-only-for-it"]), [corpus])
    assert "for what it learned of recorded people their terms" in lines[0]
    assert lines[2:] == [
        "  - human_carlo_flora (Carlo Flora, voice prompts of Asterisk): 0.0 minutes, CC-BY-3.0",
        "  - minji: 0.0 minutes, deed; by consent c3 for train, clone until 2027-01-01, and no further",
    ]


def test_who_taught_nothing_is_not_named(corpus: Corpus, tmp_path: Path) -> None:
    (line,) = rights(store(tmp_path / "store", ["a/0"]), [corpus])
    assert line == "licence: that of this repository; the generated voices carry no right of a person"


def test_every_narrator_of_the_corpus_has_a_name() -> None:
    assert credit("espeak_m3") == ""
    assert all(credit(one.speaker_id).startswith(one.name) for one in NARRATORS.values())


def test_the_card_holds_the_lines(corpus: Corpus, tmp_path: Path) -> None:
    lines = rights(store(tmp_path / "store", ["a", "b"]), [corpus])
    card = _card(_Made("rvc", "laptop", "md5", 7, 3600.0, "cpu", "f" * 64, {"loss": 1.0}, lines))
    assert "- licence: that of this repository, and for what it learned" in card
    assert "\n  - human_carlo_flora (Carlo Flora, voice prompts of Asterisk)" in card
    assert "\n\n| held-out figure" in card
