"""``python -m components.training.torchrun [torchrun's options] -m components train …``.

torchrun itself ends with 1 whatever its workers ended with, and on SIGTERM dies of the signal; the exit-code
contract (`components.core.errors`) would be lost with several GPUs. Here a signal is handed to the workers,
which save and end with 143, and the launcher ends with what their codes mean together.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import get_args_parser, run

from components.core.errors import EXIT_BAD_INPUT, EXIT_DEFECT, EXIT_OK, EXIT_RETRYABLE, EXIT_STOPPED

_UNCAUGHT = 1
#: A worker that lost its peers says 75, so the code of the one that knows better goes first.
_TELLING = (EXIT_BAD_INPUT, EXIT_DEFECT, _UNCAUGHT)
#: torchrun handles only this one itself, so that SIGTERM and SIGINT are ours.
_LEFT_TO_TORCHRUN = "SIGQUIT"


def together(codes: Iterable[int], asked_to_stop: bool = False) -> int:
    """What the exit codes of all workers mean for the launcher.

    Bad input and defects first, wherever they happened; 143 only if every one saved and stopped; anything
    else, as a worker that was killed (negative) or lost its peers (75), may work when tried again.

    Args:
        asked_to_stop: the launcher was. Then a worker whose peer ended a moment earlier lost it to the stop,
            or torchrun, which closes the others once one has ended, hit it on its way out, where Python
            catches no signals any more.
    """
    found = set(codes)
    for code in _TELLING:
        if code in found:
            return code
    if found <= {EXIT_OK}:
        return EXIT_OK
    stopped = {EXIT_STOPPED, EXIT_RETRYABLE, -signal.SIGTERM} if asked_to_stop else {EXIT_STOPPED}
    return EXIT_STOPPED if EXIT_STOPPED in found and found <= stopped else EXIT_RETRYABLE


def main(arguments: list[str]) -> int:
    """Run the workers and wait for them."""
    asked = threading.Event()

    def hand_on(number: int, frame: FrameType | None) -> None:
        """SIGTERM for every worker; SIGINT from a terminal too, since workers have sessions of their own."""
        asked.set()
        for child in _children(os.getpid()):
            os.kill(child, signal.SIGTERM)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hand_on)
    options = get_args_parser().parse_args(["--signals-to-handle", _LEFT_TO_TORCHRUN, *arguments])
    try:
        run(options)  # type: ignore[no-untyped-call]  # torch does not type it
    except ChildFailedError as error:
        return together((failure.exitcode for failure in error.failures.values()), asked.is_set())
    return EXIT_OK


def _children(parent: int) -> list[int]:
    """Process ids whose parent is ``parent`` (Linux)."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            # the name, in brackets, may hold spaces: state and parent follow the last bracket
            fields = status.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if int(fields[1]) == parent:
            found.append(int(status.parent.name))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
