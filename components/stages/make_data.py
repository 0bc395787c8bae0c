"""``make data``: the generated corpus in ``data/``, held against the committed ``data.dvc``."""

from __future__ import annotations

from pathlib import Path

from components.core.errors import CorruptFileError
from components.core.params import Params
from components.core.paths import Workspace
from components.core.progress import Progress
from components.data.embedded import ESPEAK, take_espeak
from components.data.tree_md5 import tree_md5
from components.stages import services
from components.stages.ingest import writer


def make(params: Params, workspace: Workspace, project: Path) -> str:
    """Generate the espeak corpus into ``data/`` and say whether it is the one that ``data.dvc`` names.

    ``data.dvc`` at the root names the generated corpus alone, because it is the part that every machine can
    make; other corpora in ``data/`` do not count here.

    Raises:
        CorruptFileError: generated, but not the committed bytes.
        IrisError: see `components.data.embedded.take_espeak`.
    """
    ingest = writer(params, workspace, Progress("make-data"))
    report = take_espeak(ingest, workspace.root / "ingest", params.platform.workers)
    found = tree_md5(workspace.data, [ESPEAK])
    pointer = workspace.data_pointer
    if not pointer.is_file():
        return f"{report.total} recordings in {workspace.data}, md5 {found}; no data.dvc to compare with"
    expected = services.data_versions_of(params.data.dvc, workspace).current().md5
    if found != expected:
        raise CorruptFileError(
            who=f"{workspace.data / ESPEAK}",
            expected=f"md5 {expected}, as {pointer.relative_to(project)} has it",
            found=f"md5 {found}",
            action="check the profile, the seed and the versions in requirements.lock; "
            "after a wanted change run `dvc add data` and commit data.dvc",
        )
    return f"reproduced: {report.total} recordings in {workspace.data}, md5 {found} as in {pointer.name}"
