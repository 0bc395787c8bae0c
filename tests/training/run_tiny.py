"""Train a tiny task in a process of its own: ``run_tiny.py <folder> [signal name]``.

With a second argument the process sends itself that signal once, in the middle of step 6. Under torchrun it
is the last process that does; ``launcher`` sends SIGTERM to torchrun instead.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import tiny_tasks
import torch

from components.core import ranks
from components.core.errors import IrisError
from components.core.progress import Progress
from components.training.loop import train
from components.training.peers import join


def main(folder: Path, deadly: str | None) -> int:
    task = tiny_tasks.regression()
    if deadly and ranks.rank() == ranks.world_size() - 1:

        def at_step_six(module: torch.nn.Module, inputs: tuple[object, ...]) -> None:
            if inputs[2] == 6 and module.training:
                if deadly == "launcher":
                    os.kill(os.getppid(), signal.SIGTERM)
                else:
                    os.kill(os.getpid(), signal.Signals[deadly])

        task.network.register_forward_pre_hook(at_step_six)
    try:
        cpu = torch.device("cpu")
        train(task, folder, cpu, Progress("tiny"), lambda points: None, peers=join(cpu, 60.0))
    except IrisError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
