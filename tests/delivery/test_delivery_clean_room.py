"""An exported FastPitch outside the repository: it says what was evaluated, or what differs is named."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from components import catalogue
from components.adapters.mlflow_pyfunc import add_flavour
from components.core.errors import CorruptFileError
from components.core.exported import CODE, MANIFEST, PARTS, REFERENCES, check_manifest
from components.core.paths import project_root
from components.core.ports import ModelVersion
from components.core.storage import write_text
from components.delivery.bundle import ENTRY, Contents, seal, write_bundle
from components.delivery.clean_room import check_folder
from components.delivery.code_paths import code_paths
from components.delivery.requirements import LOCK, pinned
from components.inference.agreement import agreement_db
from components.stages.deliverable import contents

ROOT = project_root()
SPEAKER, TEXT = "espeak_robert", "안녕."
BLOCKED = (
    "components.training", "components.stages", "components.evaluation", "components.adapters",
    "airflow", "dvc", "great_expectations", "mlflow", "lightning_fabric", "kubernetes",
)  # fmt: skip
PROGRAM = f"""
import sys
from importlib.abc import MetaPathFinder
class Blocked(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if any(name == one or name.startswith(one + ".") for one in {BLOCKED!r}):
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Blocked())
sys.path.insert(0, sys.argv[1] + "/{CODE}")
from pathlib import Path
from components.core.exported import PARTS
from components.inference import to_wav
from components.inference.exported import Exported
model = Exported(Path(sys.argv[1]) / PARTS)
speech = model.synthesise({TEXT!r}, "ko", {SPEAKER!r})
to_wav(Path(sys.argv[2]), speech, model.label({SPEAKER!r}, "ko"))
import components
print(components.__file__)
"""
BY_MLFLOW = f"""
import json, sys
from pathlib import Path
import mlflow, pandas
model = mlflow.pyfunc.load_model(sys.argv[1])
rows = pandas.DataFrame([{{"text": {TEXT!r}, "language": "ko", "speaker": {SPEAKER!r}}}])
made = model.predict(rows)
Path(sys.argv[2]).write_bytes(made["media"][0])
import components
told = {{"columns": list(made.columns), "label": json.loads(made["label"][0]), "code": components.__file__}}
print(json.dumps(told))
"""


def described(evaluation: Path) -> Contents:
    version = ModelVersion("fastpitch", "7", "run", "", {})
    params = catalogue.load(ROOT, "laptop")
    return contents(ROOT, params, version, ROOT / "pretrained" / "fastpitch", evaluation, "laptop", {})


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export with two references: what the model says, and that shortened and backwards."""
    place = tmp_path_factory.mktemp("내보내기 export")
    samples, folder = place / "samples", place / "fastpitch"
    samples.mkdir()
    folder.mkdir()
    write_text(
        samples / "index.csv",
        "sentence_id,language,text,speaker,path,duration_s,fault,source\n"
        f"ko_01,ko,{TEXT},{SPEAKER},ko_01.wav,0.9,,\nko_02,ko,긴 문장,{SPEAKER},ko_02.wav,2.0,,\n"
        f"en_01,en,Good.,{SPEAKER},en_01.wav,0.5,,\nen_02,en,cut,{SPEAKER},en_02.wav,0.1,clipped,\n",
    )
    for name in ("ko_01.wav", "en_01.wav"):
        soundfile.write(samples / name, np.zeros(100), 22050)
    what = described(place)
    chosen = [one.reference.sentence_id for one in what.heard]
    assert chosen == ["ko_01", "en_01"], "of each language the shortest without a fault"
    write_bundle(folder, what)
    right, wrong = (folder / PARTS / REFERENCES / name for name in ("ko_01.wav", "en_01.wav"))
    said = subprocess.run(
        [sys.executable, "-I", "-B", "-c", PROGRAM, str(folder), str(right)],
        capture_output=True,
        text=True,
        cwd=place,
    )
    assert said.returncode == 0, said.stderr
    assert Path(said.stdout.strip()).is_relative_to(folder)
    right.with_name("ko_01.wav.json").unlink()
    spoken, rate = soundfile.read(right)
    soundfile.write(wrong, spoken[::-1][: len(spoken) // 2], rate, subtype="PCM_16")
    add_flavour(folder, what.description.kind, ["mlflow"])
    seal(folder)
    return folder


def test_mlflow_opens_it_and_makes_a_labelled_recording_of_a_row(exported: Path, tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-I", "-B", "-c", BY_MLFLOW, str(exported), str(tmp_path / "said.wav")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"},
    )
    assert said.returncode == 0, said.stderr
    told = json.loads(said.stdout.splitlines()[-1])
    assert Path(told["code"]).is_relative_to(exported), "the code that was exported, not this repository's"
    assert told["columns"] == ["media", "label"]
    label = told["label"]
    assert (label["model"], label["speaker"], label["language"]) == ("fastpitch", SPEAKER, "ko")
    assert label["synthetic"] is True
    heard, rate = soundfile.read(exported / PARTS / REFERENCES / "ko_01.wav", dtype="float32")
    made, its_rate = soundfile.read(tmp_path / "said.wav", dtype="float32")
    assert its_rate == rate
    assert agreement_db(heard, made) > 60


def test_it_runs_without_training_code_and_names_the_sentence_that_differs(exported: Path) -> None:
    code = {path.relative_to(exported / CODE).as_posix() for path in (exported / CODE).rglob("*.py")}
    rooms = {name.split("/")[1] for name in code if name.count("/") > 1}
    assert not rooms & {"training", "stages", "evaluation", "adapters", "promotion", "validation", "cli"}
    models = {name.split("/")[2] for name in code if name.startswith("components/models/")}
    assert models == {"__init__.py", "fastpitch"}
    found = check_folder(exported, "cpu", 1200)
    assert not found.holds
    right, wrong = found.sentences
    assert right["fault"] == "", right
    assert right["agreement_db"] > 60
    assert found.objection.startswith("says 1 of 2 sentences otherwise than evaluated: en_01: ")
    assert "s instead of" in wrong["fault"]
    assert "spectra agree to" in wrong["fault"]


def test_a_flipped_bit_is_noticed_before_anything_is_loaded(exported: Path, tmp_path: Path) -> None:
    folder = tmp_path / "flipped"
    shutil.copytree(exported, folder)
    weights = folder / PARTS / "delivered" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-100] ^= 1
    weights.write_bytes(content)
    with pytest.raises(CorruptFileError, match=r"model\.safetensors"):
        check_manifest(folder)
    shutil.copy(exported / PARTS / "delivered" / "model.safetensors", weights)
    (folder / "said.wav").write_bytes(b"made with it")
    assert check_manifest(folder) > 100
    (folder / CODE / "added.py").write_text("", encoding="utf-8")
    with pytest.raises(CorruptFileError, match="one more"):
        check_manifest(folder)
    assert subprocess.run(["sha256sum", "--quiet", "-c", MANIFEST], cwd=folder).returncode == 0
    assert (folder / ENTRY).is_file()


def test_what_it_needs_is_pinned_as_the_lock_has_it() -> None:
    lines = pinned(code_paths("fastpitch", ["vocoder"]).packages, ROOT / LOCK)
    lock = (ROOT / LOCK).read_text("utf-8").splitlines()
    names = {line.split("==")[0] for line in lines}
    assert set(lines) <= {line.lower().replace("_", "-") for line in lock}
    assert {"torch", "safetensors", "numpy", "pydantic", "soundfile", "pypinyin"} <= names
    assert not names & {
        "mlflow",
        "dvc",
        "apache-airflow",
        "great-expectations",
        "kubernetes",
        "lightning-fabric",
    }


def test_rvc_takes_its_own_rooms() -> None:
    found = code_paths("rvc", ["content"])
    assert "components.auxiliaries.content.encoder" in found.modules
    assert not [
        name
        for name in found.modules
        if name.startswith(("components.models.fastpitch", "components.stages"))
    ]
    assert json.dumps(found.files) == json.dumps(sorted(found.files))
