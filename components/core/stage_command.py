"""The command of a stage: the same words in a terminal, a subprocess and a pod."""

from __future__ import annotations

from collections.abc import Mapping


def stage_command(
    stage: str, model: str | None, profile: str | None, force: bool, options: Mapping[str, str]
) -> list[str]:
    """The command of a stage, without the interpreter; pods and subprocesses run exactly this."""
    command = ["-m", "components", stage]
    command += ["--model", model] if model else []
    command += ["--profile", profile] if profile else []
    for name, value in options.items():
        command += [f"--{name}", value]
    return [*command, "--force"] if force else command
