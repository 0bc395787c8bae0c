"""The winning settings as a diff to params.yaml, which a person applies or does not."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

from components.core.errors import ConfigError
from components.models.vallex.params import Section
from components.simulation.experiment import Cell

_TRAINING = ("models", "vallex", "training")


def proposal(text: str, section: Section, best: Cell, origin: str) -> str:
    """Unified diff of params.yaml; only its remarks where everything stands there already.

    The batch changes with the accumulation, so that as many rows as before make an optimiser step; where they
    do not divide, it stays. TF32 and the kernel of attention are no parameters: remarks name them.

    Args:
        text: of params.yaml.
        section: of VALL-E X, as that text has it.
        best: the winning cell.
        origin: device, profile and commit, for the first line.
    """
    setting, training = best.setting, section.training
    values = {
        "precision": "bf16-mixed" if setting.precision == "bf16" else "32-true",
        "gradient_checkpointing": "true" if setting.checkpointing else "false",
    }
    rows = training.batch_size * training.gradient_accumulation
    if rows % setting.batch == 0:
        values |= {
            "batch_size": str(setting.batch),
            "gradient_accumulation": str(rows // setting.batch),
        }
    allowed = "allowed" if setting.precision == "tf32" else "not needed"
    remarks = [
        f"# {best.evidence}, {origin}",
        f"# winner: {setting.told}, {best.codes_per_second:.0f} codes a second",
        f"# no parameters: TF32 {allowed}, attention {setting.attention}",
        "# Proposed, not applied: git apply <this file>",
    ]
    changed = with_values(text, _TRAINING, values)
    before, after = text.splitlines(keepends=True), changed.splitlines(keepends=True)
    diff = "".join(difflib.unified_diff(before, after, "a/params.yaml", "b/params.yaml"))
    return "\n".join(remarks) + "\n" + (diff or "# params.yaml says all of this already\n")


def with_values(text: str, section: Sequence[str], values: Mapping[str, str]) -> str:
    """The text with scalars of one section replaced; comments, order and everything else stay.

    Raises:
        ConfigError: no such section or key.
    """
    lines, place, depth, missing = text.splitlines(keepends=True), 0, 0, dict(values)
    for number, line in enumerate(lines):
        told = re.match(r"( *)([\w-]+):(?=\s)", line)
        if told is None:
            continue
        indent, key = len(told[1]) // 2, told[2]
        if indent < place:
            place = indent  # the section that was being read has ended
        if indent == place < len(section) and key == section[place]:
            place += 1
        elif place == len(section) == indent and key in missing:
            lines[number] = _replaced(line, key, missing.pop(key))
        depth = max(depth, place)
    if missing:
        raise ConfigError(
            who=f"params.yaml: {'.'.join(section)}",
            expected=f"{', '.join(missing)}, each on a line of its own",
            found="no such section" if depth < len(section) else "no such line",
            action="write them so, or apply the winner of cells.json by hand",
        )
    return "".join(lines)


def _replaced(line: str, key: str, value: str) -> str:
    return re.sub(rf"^( *{key}: *)[^\s#]+", rf"\g<1>{value}", line)
