"""The house keeps its shape: layers, the one list of stages, no shadowed packages, no lazy import undone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from components import catalogue
from components.core.params.root import MODEL_NAMES
from components.core.paths import project_root
from components.core.stage_graph import APART, REVIEWS, STAGES, Stage

ROOT = project_root()
LINES_PER_FILE = 300
PYTHON_FILES = sorted([*ROOT.glob("components/**/*.py"), *ROOT.glob("dags/*.py")])


def test_layers_hold() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports")], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", PYTHON_FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_is_one_thought(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES_PER_FILE


def test_the_folder_mlflow_cannot_shadow_the_package() -> None:
    assert list((ROOT / "mlflow").rglob("*.py")) == []
    assert not (ROOT / "tests" / "mlflow").exists()
    found = subprocess.run(
        [sys.executable, "-c", "import mlflow; print(mlflow.__file__)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert "site-packages" in found.stdout, found.stderr


def test_every_stage_has_its_module_and_its_needs_come_first() -> None:
    seen: set[str] = set()
    for stage in (*STAGES, *REVIEWS, *APART):
        assert (ROOT / "components" / "stages" / f"{stage.name}.py").is_file()
        assert set(stage.needs) <= seen
        seen.add(stage.name)


@pytest.mark.parametrize("stage", [*STAGES, *REVIEWS, *APART], ids=lambda s: s.name)
def test_a_stage_declares_every_room_its_result_depends_on(stage: Stage) -> None:
    """A room that is missing from ``rooms`` would let a stage be skipped although its code changed."""
    graph = grimp.build_graph("components", exclude_type_checking_imports=True)
    reached = graph.find_upstream_modules(f"components.stages.{stage.name}")
    if stage.name in {
        "features",
        "adopt",
        "expert",
        "train",
        "evaluate",
    }:  # the catalogue imports specs by name
        for model in catalogue.trainable():
            reached |= graph.find_upstream_modules(f"components.models.{model}.spec")
    # adapters carry results in and out; stages, catalogue and the params of other models decide nothing
    carriers = {"adapters", "stages", "catalogue", "doctor"}
    rooms = {name.split(".")[1] for name in reached if "." in name} - carriers
    assert rooms <= set(stage.rooms) | {"models"}, f"{stage.name} also depends on {rooms - set(stage.rooms)}"


def test_the_four_models_are_defined() -> None:
    assert set(catalogue.model_names()) == set(MODEL_NAMES)
    assert set(catalogue.trainable()) <= set(MODEL_NAMES)
    assert "fastpitch" in catalogue.trainable()


HEAVY = ("torch", "mlflow", "great_expectations", "dvc", "librosa", "resemblyzer", "matplotlib")


@pytest.mark.parametrize(
    "statement",
    [
        "import components.catalogue; components.catalogue.load(__import__('pathlib').Path('.'), 'laptop')",
        "import components.stages.runner",
        "import components.cli",
    ],
)
def test_the_light_half_stays_light(statement: str) -> None:
    program = f"{statement}\nimport sys\nprint([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_doctor_and_environment_need_nothing_installed() -> None:
    program = (
        "import sys, runpy\n"
        "before = set(sys.modules)\n"
        "runpy.run_path('components/doctor.py'); runpy.run_path('components/environment.py')\n"
        "names = {m.split('.')[0] for m in set(sys.modules) - before}\n"
        "print(sorted(names - set(sys.stdlib_module_names)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_every_dependency_is_pinned_once() -> None:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==", 1) for line in lines if line and not line.startswith("#"))
    assert len(pins) == len([line for line in lines if line and not line.startswith("#")])
    assert pins["torch"] == "2.13.0", "no local label: a CPU build serves where the index offers one"
    assert "torchaudio" not in pins, "gpu extra only: it breaks transformers beside a CPU torch"
    assert "encodec" not in pins, "gpu extra only: it needs torchaudio"
    assert "opencv-python" not in pins, "cv2 comes from opencv-python-headless; both overwrite each other"
    assert int(pins["setuptools"].split(".")[0]) < 81, "pyworld and webrtcvad import pkg_resources"
