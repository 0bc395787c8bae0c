"""What an image reference stands for here: a root, an interpreter, an environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kube_standin.processes import Nursery

#: The stage image's own environment (k8s/images/stage.Dockerfile), and nothing of the test's.
_OF_THE_IMAGE = {
    "IRIS_PROJECT_ROOT": "/app",
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
#: The node's, not the image's: a worker here has one core, and threads decide in which order sums are taken.
_OF_THE_NODE = {"OMP_NUM_THREADS": "1", "GOMP_SPINCOUNT": "2000"}
#: So does the kernel that OpenBLAS takes: what a machine has chosen for it holds in its pods, too.
_CHOSEN_FOR = "OPENBLAS_"


@dataclass(frozen=True)
class Image:
    """An image that was pulled.

    Attributes:
        app: the folder that stands for ``/app``, the working folder.
        programs: command name → what runs, where it is not found by itself.
        environment: of the image.
        nursery: forks Python from an interpreter that has the third-party libraries loaded (a *warm* image).
    """

    app: Path
    programs: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    nursery: Nursery | None = None

    @classmethod
    def of_stages(cls, project: Path, nursery: Nursery | None) -> Image:
        """The stage image, its interpreter being the one that runs the tests."""
        return cls(project, {"python": sys.executable}, stage_environment(), nursery)

    @classmethod
    def scripted(cls, folder: Path, script: str) -> Image:
        """An image whose ``python`` is a shell script: what a stage does is beside the point there."""
        program = folder / "python"
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
        return cls(folder, {"python": str(program)}, {"PATH": "/usr/local/bin:/usr/bin:/bin"})


def stage_environment() -> dict[str, str]:
    """What the stage image and the node give a container."""
    folder = str(Path(sys.executable).parent)
    return {
        **_OF_THE_IMAGE,
        **_OF_THE_NODE,
        **{name: value for name, value in os.environ.items() if name.startswith(_CHOSEN_FOR)},
        "IRIS_GIT_SHA": "0" * 40,
        "PATH": f"{folder}:/usr/local/bin:/usr/bin:/bin",
    }
