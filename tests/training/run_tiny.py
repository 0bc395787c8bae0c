"""Train a tiny task in a process of its own: ``run_tiny.py <folder> [signal name]``.

With a second argument the process sends itself that signal once, in the middle of step 6.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import tiny_tasks
import torch

from components.core.errors import IrisError
from components.core.progress import Progress
from components.training.loop import train


def main(folder: Path, deadly: str | None) -> int:
    task = tiny_tasks.regression()
    if deadly:

        def at_step_six(module: torch.nn.Module, inputs: tuple[object, ...]) -> None:
            if inputs[2] == 6 and module.training:
                os.kill(os.getpid(), signal.Signals[deadly])

        task.network.register_forward_pre_hook(at_step_six)
    try:
        train(task, folder, torch.device("cpu"), Progress("tiny"), lambda points: None)
    except IrisError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
