"""What we hold every Dockerfile to, and what an image would contain of this repository."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

_ARGUMENT = re.compile(r"^\$\{(\w+)\}$")


def instructions(text: str) -> list[tuple[str, str]]:
    """``(INSTRUCTION, rest)``, continuation lines joined, comments left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    pairs = (line.strip().split(maxsplit=1) for line in joined.splitlines() if line.strip())
    return [(pair[0].upper(), pair[1] if len(pair) > 1 else "") for pair in pairs]


def objections(text: str) -> Iterator[str]:
    """What is wrong with a Dockerfile, one line each."""
    steps = instructions(text)
    stages = re.findall(r"^FROM .* AS (\S+)", text, re.MULTILINE | re.IGNORECASE)
    if len([step for step in steps if step[0] == "FROM"]) < 2:
        yield "one stage only: what builds would stay in the image"
    defaults = {rest.split("=", 1)[0]: "=" in rest for step, rest in steps if step == "ARG"}
    for _, rest in (step for step in steps if step[0] == "FROM"):
        base = rest.split()[0]
        argument = _ARGUMENT.match(base)
        if argument and defaults.get(argument.group(1)) is not False:
            yield f"FROM {base}: a required argument (no default) is expected"
        if argument and not re.search(r"case \"\$\{" + argument.group(1) + r"\}\" in \*@sha256:\*\)", text):
            yield f"FROM {base}: nothing refuses a base without a digest"
        if not argument and base not in stages and "@sha256:" not in base:
            yield f"FROM {base}: no digest"
    for name, final in _final_users(steps):
        if not re.fullmatch(r"[1-9]\d*(:\d+)?", final):
            yield f"stage {name}: runs as {final or 'root'}"
    for step, rest in steps:
        if ":latest" in rest:
            yield f"{step}: latest"
        if step == "ADD":
            yield "ADD: fetches and unpacks; COPY is meant"
        if step == "RUN" and re.search(r"(curl|wget)\b.*\|\s*(ba|z|da)?sh\b", rest):
            yield "RUN: a download straight into a shell"
        if step in {"ENV", "ARG"} and re.search(r"(PASSWORD|TOKEN|SECRET)\w*=\S", rest):
            yield f"{step}: a secret in a layer"
        if step == "RUN" and "apt-get install" in rest and "rm -rf /var/lib/apt/lists" not in rest:
            yield "RUN: package lists stay in the layer"


def copied(text: str, source: Path, target: Path) -> None:
    """Lay out below ``target`` what COPY instructions take from the build context."""
    working = "/"
    for step, rest in instructions(text):
        if step == "WORKDIR":
            working = rest
        if step != "COPY" or "--from=" in rest:
            continue
        *names, place = [word for word in shlex.split(rest) if not word.startswith("--")]
        folder = target / str(Path(working, place)).lstrip("/")
        for name in names:
            _copy(source / name, folder, into=len(names) > 1 or (source / name).is_file())


def _copy(path: Path, folder: Path, into: bool) -> None:
    if path.is_dir():
        shutil.copytree(path, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    elif into:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / path.name)


def _final_users(steps: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Each stage that is an image (no other one builds on it or copies from it), with its last USER."""
    named: list[tuple[str, str, str]] = []
    for step, rest in steps:
        if step == "FROM":
            words = rest.split()
            named.append((words[2] if len(words) > 2 else f"#{len(named)}", words[0], ""))
        if step == "USER":
            named[-1] = (*named[-1][:2], rest)
    used = {base for _, base, _ in named}
    used |= {
        word.removeprefix("--from=")
        for _, rest in steps
        for word in rest.split()
        if word.startswith("--from=")
    }
    yield from ((name, user) for name, _, user in named if name not in used)
