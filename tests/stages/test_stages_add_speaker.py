"""add-speaker: from recordings to a voice that convert knows; a second time nothing changes."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import soundfile
from paused_speech import speech

from components import catalogue
from components.core.errors import BadInputError, ConfigError, DataError, IrisError
from components.core.paths import Workspace, project_root
from components.core.storage import sha256_path
from components.data.consent import consent_text, read_consents
from components.data.corpus import Corpus
from components.models.rvc.delivery import DeliveredRvc
from components.stages.add_speaker import Added, NewSpeaker, add_speaker, told
from components.stages.convert import ConversionWish, convert

PROFILE = """extends: ci
data:
  corpora: [speakers]
platform:
  profile_name: solo
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose only corpus is that of added speakers."""
    root = tmp_path / "project"
    (root / "profiles").mkdir(parents=True)
    for name in ("params.yaml", "profiles/ci.yaml", "requirements.lock"):
        (root / name).symlink_to(project_root() / name)
    (root / "profiles" / "solo.yaml").write_text(PROFILE)
    return root


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.embedded(tmp_path / "workspace")


@pytest.fixture
def wish(tmp_path: Path) -> NewSpeaker:
    audio, document = tmp_path / "recordings", tmp_path / "agreement.pdf"
    audio.mkdir()
    for place in range(2):
        soundfile.write(audio / f"{place}.flac", speech(26.0, 44100, 150.0 + 20 * place), 44100)
    document.write_bytes(b"I agree")
    signed = datetime.date(2026, 1, 15)
    return NewSpeaker(
        "rvc", "민지", audio, str(document), ("train", "clone"), signed, None, "ko", "", replace=False
    )


@pytest.fixture
def add(project: Path, workspace: Workspace) -> Callable[..., Added]:
    def run(wish: NewSpeaker, *, train: bool = False) -> Added:
        return add_speaker(project, "solo", workspace, wish, train=train)

    return run


def speakers(workspace: Workspace) -> Corpus:
    return Corpus(workspace.data / "speakers")


def test_one_call_makes_a_voice_and_the_next_one_changes_nothing(
    add: Callable[..., Added], project: Path, workspace: Workspace, wish: NewSpeaker, tmp_path: Path
) -> None:
    first = add(wish, train=True)
    rows = speakers(workspace).rows
    assert len(rows) == first.new == 20
    assert {(row.speaker_id, row.language, row.role, row.text) for row in rows} == {
        ("민지", "ko", "human", "")
    }
    (consent,) = speakers(workspace).consents.values()
    assert consent.document_sha256 == sha256_path(Path(wish.consent))
    assert {row.consent for row in rows} == {row.licence for row in rows} == {consent.consent_id}
    assert first.trained is not None
    delivered = DeliveredRvc.read(first.trained.output(workspace.root, "delivered"))
    assert delivered.consents == {"민지": consent.consent_id}
    assert not (workspace.root / "ingest" / "speaker-source").exists()

    again = add(wish, train=True)
    assert (again.new, again.gone) == (0, 0)
    assert again.trained is not None
    assert again.trained.state == "skipped"
    lines = told(again, wish)
    assert any("the same recordings as before" in line for line in lines)
    assert any("was trained with it already" in line for line in lines)
    assert speakers(workspace).rows == rows

    source, out = tmp_path / "in.wav", tmp_path / "out.wav"
    soundfile.write(source, speech(1.5, 22050, 120.0), 22050)
    params = catalogue.load(project, "solo")
    made = convert(project, params, workspace, ConversionWish("rvc", source, "민지"), out)
    assert made.version == first.trained.summary["run_id"], "no champion knows this voice: the last training"
    assert soundfile.info(out).duration == pytest.approx(1.5, abs=1e-3)
    with pytest.raises(ConfigError, match="neither"):
        convert(project, params, workspace, ConversionWish("rvc", source, "민지", version="pretrained"), out)


def test_more_recordings_are_added_or_take_the_place(
    add: Callable[..., Added], workspace: Workspace, wish: NewSpeaker, tmp_path: Path
) -> None:
    assert add(wish).new == 20
    more = tmp_path / "more.wav"
    soundfile.write(more, speech(8.0, 22050, 130.0), 22050)
    short = replace(wish, audio=more)
    added = add(short)
    assert (added.new, added.gone, len(speakers(workspace).rows)) == (3, 0, 23)
    assert add(short).new == 0
    with pytest.raises(DataError, match="duplicate_audio 3"):
        add(replace(short, name="Kim"))  # the same sound is a recording of one person
    replaced = add(replace(short, replace=True))
    assert (replaced.new, replaced.gone, len(speakers(workspace).rows)) == (0, 20, 3)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"consent": ""}, BadInputError, "the signed document, or its sha256"),
        ({"consent": "missing.pdf"}, BadInputError, "the signed document, or its sha256"),
        ({"scope": ("train", "publish")}, BadInputError, "covers train and clone"),
        ({"scope": ()}, BadInputError, "covers nothing"),
        ({"signed": datetime.date(2999, 1, 1)}, BadInputError, "signed for 2999-01-01"),
        ({"expires": datetime.date(2026, 1, 16)}, BadInputError, "expired on 2026-01-16"),
        ({"name": "a/b"}, BadInputError, "a name for files"),
        ({"language": "xx"}, BadInputError, "one of ko"),
        ({"model": "fastpitch"}, ConfigError, "converts voices"),
        ({"audio": Path("nowhere")}, DataError, "a recording, or a folder of recordings"),
    ],
)
def test_what_is_refused_changes_nothing(
    add: Callable[..., Added],
    workspace: Workspace,
    wish: NewSpeaker,
    change: dict[str, Any],
    error: type[IrisError],
    match: str,
) -> None:
    with pytest.raises(error, match=match):
        add(replace(wish, **change))
    assert not (workspace.data / "speakers").exists()


def test_too_little_speech_names_what_was_left_out(
    add: Callable[..., Added], workspace: Workspace, wish: NewSpeaker, tmp_path: Path
) -> None:
    audio = tmp_path / "few"
    audio.mkdir()
    soundfile.write(audio / "a.wav", speech(4.5, 22050), 22050)
    soundfile.write(audio / "b.wav", speech(4.5, 8000), 8000)
    with pytest.raises(DataError, match=r"0:06 of speech or more.*found 0:04 in 2 clips") as caught:
        add(replace(wish, audio=audio))
    assert caught.value.details == ("b.wav: expected at least 16000 Hz, as the model learns, found 8000 Hz",)
    assert not (workspace.data / "speakers").exists()


def test_a_name_that_another_corpus_uses_is_refused(
    add: Callable[..., Added], workspace: Workspace, wish: NewSpeaker
) -> None:
    add(wish)
    (workspace.data / "speakers").rename(workspace.data / "studio")
    with pytest.raises(DataError, match="one that corpus studio uses"):
        add(wish)


def test_a_withdrawn_consent_does_not_come_back(
    add: Callable[..., Added], workspace: Workspace, wish: NewSpeaker
) -> None:
    add(wish)
    table = workspace.data / "speakers" / "consent.csv"
    ended = {
        name: one.model_copy(update={"withdrawn": datetime.date(2026, 2, 1)})
        for name, one in read_consents(table).items()
    }
    table.write_text(consent_text(ended))
    with pytest.raises(DataError, match="withdrawn on 2026-02-01"):
        add(wish)


def test_a_profile_without_the_corpus_is_told_first(
    add: Callable[..., Added], project: Path, workspace: Workspace, wish: NewSpeaker
) -> None:
    (project / "profiles" / "solo.yaml").write_text(PROFILE.replace("speakers", "studio"))
    with pytest.raises(ConfigError, match=r"add speakers to data\.corpora"):
        add(wish)
    assert not workspace.root.exists()
