"""Brings a pod the data version of its run, before the stage looks at it.

In the stage's own process and not in an init container: the lock that keeps the version from being evicted
must live as long as the stage, and a failure has the stage's exit code and line in the journal.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from components.core.errors import DataError
from components.core.paths import NODE_CACHE_VARIABLE
from components.core.stage_graph import Stage
from components.stages import services
from components.stages.contract import StageContext

_BYTES_PER_GIB = 1 << 30


@contextmanager
def corpus_at_hand(stage: Stage, context: StageContext) -> Iterator[StageContext]:
    """The context; where the launcher named a cache, ``workspace.data`` is the run's version on this node.

    Raises:
        DataError: the record of ``version`` tells no version.
        IrisError: the version cannot be had; see `components.adapters.node_cache.NodeCache.holding`.
    """
    cache = os.environ.get(NODE_CACHE_VARIABLE)
    if not cache or not stage.reads_data:
        yield context
        return
    md5, size_bytes = _version(context)
    max_bytes = context.params.platform.kubernetes.node_cache.max_gib * _BYTES_PER_GIB
    versions = services.data_versions(context)
    with versions.holding(md5, size_bytes, Path(cache), max_bytes, context.progress) as folder:
        context.progress.say(f"data version {md5} in {folder}")
        yield replace(context, workspace=replace(context.workspace, laid_out=folder))


def _version(context: StageContext) -> tuple[str, int]:
    summary = context.upstream["version"].summary
    try:
        return str(summary["md5"]), int(summary["size_bytes"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            who="the record of stage version",
            expected="md5 and size_bytes of the run's data",
            found=f"{type(error).__name__}: {error}",
            action="run `python -m components version --force`",
        ) from error
