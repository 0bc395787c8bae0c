"""A speaker who does not allow it any more: training and promotion refuse, lineage tells what was reached."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
from registry_store import RegistryStore
from tone_corpus import CONSENT, ToneCorpus

from components import catalogue
from components.core.errors import ConsentError, DataError
from components.core.paths import Workspace, project_root
from components.core.storage import write_json, write_text
from components.data.consent import ConsentRecord, consent_text, register
from components.data.corpus import Corpus
from components.data.withdrawal import withdraw
from components.stages import consents
from components.stages.lineage import lineage

TODAY = datetime.date(2026, 11, 28)
MINJI = ConsentRecord(
    consent_id="minji-1",
    speaker_id="민지",
    basis="document",
    document_sha256="a" * 64,
    scope=("train", "clone"),
    signed=datetime.date(2026, 1, 1),
    expires=datetime.date(2026, 11, 28),
    withdrawn=None,
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A corpus with a person in it, and features of both voices."""
    made = Workspace.embedded(tmp_path / "작업")
    corpus = ToneCorpus(made.data / "people", consents={"c1": CONSENT, "minji-1": MINJI})
    corpus.add("a1")
    for number in range(2):
        corpus.add(f"m{number}", speaker_id="민지", consent="minji-1", path=f"wav/m{number}.wav")
    corpus.write()
    write_text(
        made.features / "fastpitch" / "k" / "index.csv",
        "utterance_id,speaker_id,consent\na1,spk1,c1\nm0,민지,minji-1\nm1,민지,minji-1\n",
    )
    return made


def store(workspace: Workspace) -> Path:
    return workspace.features / "fastpitch" / "k"


class Context:
    """What `require` looks at."""

    model = "fastpitch"

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def input(self, stage: str, output: str) -> Path:
        return store(self.workspace)


def test_the_last_day_counts_and_the_next_refuses(workspace: Workspace) -> None:
    assert consents.refusals(store(workspace), workspace.data, TODAY) == {}
    after = TODAY + datetime.timedelta(days=1)
    found = consents.refusals(store(workspace), workspace.data, after)
    assert found == {("민지", "minji-1 expired on 2026-11-28"): 2}


def test_training_names_who_when_and_what_to_do(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = Context(workspace)
    monkeypatch.setattr(consents, "_today", lambda: TODAY)
    consents.require(context)  # type: ignore[arg-type]
    assert consents.fingerprint(context) == {}  # type: ignore[arg-type]
    withdraw(workspace.data, workspace.locks, "민지", TODAY)
    with pytest.raises(ConsentError) as refused:
        consents.require(context)  # type: ignore[arg-type]
    told = "\n".join(refused.value.lines())
    for part in ("speaker 민지", "withdrawn on 2026-11-28", "withdraw --speaker 민지", "동의", "2 rows"):
        assert part in told
    assert refused.value.exit_code == 42
    assert consents.fingerprint(context)["consents"]  # type: ignore[arg-type]


def test_a_store_whose_consent_stands_nowhere_is_refused(workspace: Workspace) -> None:
    write_text(workspace.data / "people" / "consent.csv", consent_text({"c1": CONSENT}))
    found = consents.refusals(store(workspace), workspace.data, TODAY)
    assert found == {("민지", "minji-1 stands in no consent.csv"): 2}


def test_a_withdrawal_takes_the_recordings_and_keeps_the_record(workspace: Workspace) -> None:
    (done,) = withdraw(workspace.data, workspace.locks, "민지", TODAY)
    assert (done.corpus, done.consents, done.recordings) == ("people", ("minji-1",), ("m0", "m1"))
    corpus = Corpus(workspace.data / "people")
    assert [row.utterance_id for row in corpus.rows] == ["a1"]
    assert sorted(path.name for path in corpus.folder.rglob("*.wav")) == ["a1.wav"]
    assert set(corpus.timings) == {"a1"}
    assert register(workspace.data)["minji-1"].withdrawn == TODAY
    assert corpus.consents["c1"] == CONSENT
    (again,) = withdraw(workspace.data, workspace.locks, "민지", TODAY + datetime.timedelta(days=9))
    assert again.recordings == ()
    assert register(workspace.data)["minji-1"].withdrawn == TODAY, "the first day stays"
    with pytest.raises(DataError, match="generated voice"):
        withdraw(workspace.data, workspace.locks, "spk1", TODAY)
    with pytest.raises(DataError, match="none of that name"):
        withdraw(workspace.data, workspace.locks, "nobody", TODAY)


def test_lineage_finds_data_versions_runs_weights_and_files(workspace: Workspace) -> None:
    import hashlib

    params, root = catalogue.load(project_root(), "ci"), workspace.root
    listing = json.dumps([{"md5": "0" * 32, "relpath": "people/wav/민지/m0.wav"}]).encode()
    md5 = hashlib.md5(listing, usedforsecurity=False).hexdigest() + ".dir"
    object_ = workspace.dvc_remote / "files" / "md5" / md5[:2] / md5[2:]
    object_.parent.mkdir(parents=True)
    object_.write_bytes(listing)
    write_text(root / "data-versions" / f"{md5}.dvc", "")
    write_text(root / "data-versions" / f"{'f' * 32}.dir.dvc", "")
    mlflow = RegistryStore.in_folder(root)
    seen, other = mlflow.run(data_md5=md5, model="rvc"), mlflow.run(data_md5="e" * 32 + ".dir", model="rvc")
    delivered = root / "delivered"
    write_json(delivered / "model.json", {"card": {"consents": {"민지": "minji-1"}}})
    (delivered / "model.safetensors").write_bytes(b"w")
    version = mlflow.registry().register("rvc", seen, delivered, {})
    mlflow.registry().set_alias("rvc", "champion_laptop", version.version)
    for name in ("x.wav.json", "y.npz.json", "index.json"):
        write_json(root / "evaluation" / "rvc" / "samples" / name, {"speaker": "민지"})
    found = lineage(root, params, workspace, "민지")
    assert found.data == ("people: 2 recordings, 0.0 minutes",)
    assert found.versions[0] == f"{md5} (1 files)"
    assert "not known" in found.versions[1]
    assert [line.split()[0] for line in found.runs] == [seen]
    assert other not in found.to_json()
    assert found.models[0].startswith(f"rvc v{version.version}, champion_laptop now: run {seen}")
    assert found.features == ("features/fastpitch/k: 2 rows",)
    assert found.media == ("evaluation/rvc/samples/x.wav", "evaluation/rvc/samples/y.npz")
    assert "minji-1: document for train, clone until 2026-11-28" in found.consents[0]
    assert "화자 민지" in found.lines()[0]
    with pytest.raises(DataError, match="nobody"):
        lineage(root, params, workspace, "nobody")
