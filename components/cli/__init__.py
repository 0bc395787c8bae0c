"""``python -m components <stage>``: stages and tools as commands. No logic: arguments in, exit code out."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from components.cli import custody, reviews, simulation, stages, tools, versions, video, voices
from components.cli.app import app
from components.core.attempt import failed, tell
from components.core.errors import IrisError, StoppedError
from components.core.process import settle
from components.core.stage_command import plain_words
from components.core.stop import Stopped

__all__ = [
    "app",
    "custody",
    "main",
    "reviews",
    "simulation",
    "stages",
    "tools",
    "versions",
    "video",
    "voices",
]


def main() -> None:
    """Entry point: our errors become their lines and their exit code; others keep their traceback."""
    settle()
    try:
        app(plain_words(sys.argv[1:]), standalone_mode=True)
    except IrisError as error:
        _leave(error)
    except Stopped:
        told = "run the same command again: what is done is kept, a training goes on from its checkpoint"
        _leave(
            StoppedError(
                who=" ".join(sys.argv[1:2]), expected="to end by itself", found="SIGTERM", action=told
            )
        )


def _leave(error: IrisError) -> NoReturn:
    for line in error.lines():
        typer.echo(line, err=True)
    tell(failed(error))
    sys.exit(error.exit_code)
