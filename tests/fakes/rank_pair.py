"""Two or more forked processes that train together over gloo, as torchrun would have started them.

A fork costs a tenth of a second where a new interpreter with torch costs five. Safe here, because the test
process runs torch on one thread (OMP_NUM_THREADS=1) and each child builds its own process group.
"""

from __future__ import annotations

import os
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import closing

from components.core.errors import IrisError

_DEFECT = 1


def in_ranks(run: Callable[[int], None], world: int = 2) -> list[int]:
    """Exit codes, by rank, of ``run(rank)`` in ``world`` forked processes; -9 for one that was killed."""
    environment = {"WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    children = [_start(run, rank, environment) for rank in range(world)]
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def _start(run: Callable[[int], None], rank: int, environment: Mapping[str, str]) -> int:
    child = os.fork()
    if child:
        return child
    code = _DEFECT
    try:
        own = {"RANK": str(rank), "LOCAL_RANK": str(rank), "TORCHELASTIC_RUN_ID": "test"}
        os.environ.update({**environment, **own, "GLOO_SOCKET_IFNAME": "lo"})
        run(rank)
        code = 0
    except IrisError as error:
        sys.stderr.write(f"rank {rank}: {error}\n")
        code = error.exit_code
    except Exception:  # noqa: BLE001 - a child ends with a code, whatever happened
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
