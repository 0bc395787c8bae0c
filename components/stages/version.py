"""``data/`` → ``data.dvc``, pushed; a copy of the pointer stays, so that this version can be restored."""

from __future__ import annotations

from pathlib import Path

from components.core.paths import Workspace
from components.core.storage import write_text
from components.stages import services
from components.stages.contract import Outcome, StageContext

_KEPT_POINTERS = "data-versions"


def run(context: StageContext) -> Outcome:
    """Version the data, and keep the pointer under the version's md5."""
    versions = services.data_versions(context)
    version = versions.add_and_push()
    pointer = pointer_copy(context.workspace, version.md5)
    write_text(pointer, version.pointer)
    context.progress.say(f"{version.files} files, {version.size_bytes / 1e6:.0f} MB, md5 {version.md5}")
    return Outcome(
        outputs={"pointer": pointer, "data_dvc": context.workspace.data_pointer},
        summary={
            "md5": version.md5,
            "files": version.files,
            "size_bytes": version.size_bytes,
            "address": versions.address(version),
        },
    )


def pointer_copy(workspace: Workspace, md5: str) -> Path:
    """Where the pointer of data version ``md5`` is kept."""
    return workspace.root / _KEPT_POINTERS / f"{md5}.dvc"
