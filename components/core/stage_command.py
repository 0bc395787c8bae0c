"""The command of a stage: the same words in a terminal, a subprocess and a pod."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

#: What an orchestrator fills in that can put values into words, but can neither add nor leave out a word.
PROFILE_SLOT, FORCE_SLOT, VERDICT_SLOT = "{profile}", "{force}", "{verdict_file}"
_PROFILE, _FORCE, _VERDICT = "--profile=", "--force=", "--verdict-file"


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


def slotted_command(stage: str, model: str | None, verdict: bool) -> list[str]:
    """The command of a stage with slots for profile, force and, with ``verdict``, the verdict's file."""
    command = stage_command(stage, model, None, force=False, options={})
    command += [f"{_PROFILE}{PROFILE_SLOT}", f"{_FORCE}{FORCE_SLOT}"]
    return [*command, f"{_VERDICT}={VERDICT_SLOT}"] if verdict else command


def plain_words(arguments: Sequence[str]) -> list[str]:
    """What a terminal would have said: ``--force=true`` is ``--force``, ``--force=false`` is no word."""
    words = []
    for word in arguments:
        if word == f"{_FORCE}true":
            words.append(_FORCE.removesuffix("="))
        elif word not in {f"{_FORCE}false", _PROFILE}:
            words.append(word)
    return words
