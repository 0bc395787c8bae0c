"""What validation leaves behind, for people and for the next stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from components.core.errors import ValidationBlockedError
from components.validation.expectations import Finding

if TYPE_CHECKING:
    import pandas as pd

_LINES_IN_ERROR = 50
_SECONDS_PER_HOUR = 3600.0


def result_record(frame: pd.DataFrame, findings: Sequence[Finding], data_md5: str) -> dict[str, Any]:
    """``result.json``: every check with every complaint, and the corpus in figures."""
    return {
        "data_md5": data_md5,
        "blocked": bool(blocking(findings)),
        "utterances": len(frame),
        "expectations": len(findings),
        "failed": sum(bool(finding.complaints) for finding in findings),
        "speech": _speech(frame),
        "checks": [_check_record(finding) for finding in findings],
    }


def blocking(findings: Sequence[Finding]) -> list[Finding]:
    """The critical checks that failed."""
    return [f for f in findings if f.complaints and f.check.severity == "critical"]


def blocked_error(findings: Sequence[Finding], docs: str) -> ValidationBlockedError:
    """The error that names the utterances, worst check first."""
    failed = sorted(blocking(findings), key=lambda finding: len(finding.complaints), reverse=True)
    lines = [complaint.line() for finding in failed for complaint in finding.complaints]
    rest = len(lines) - _LINES_IN_ERROR
    shown = lines[:_LINES_IN_ERROR] + ([f"and {rest} more, all in result.json"] if rest > 0 else [])
    return ValidationBlockedError(
        who="validation",
        expected="every critical expectation to hold",
        found=f"{lines[0]}; {len(failed)} failed: {', '.join(f.check.name for f in failed)}",
        action=f"mend or remove these recordings; open {docs}",
        details=shown,
    )


def _check_record(finding: Finding) -> dict[str, Any]:
    check = finding.check
    return {
        "name": check.name,
        "severity": check.severity,
        "meaning": check.meaning,
        "column": check.column,
        "limits": {"min": check.low, "max": check.high, "among": list(check.values)},
        "evaluated": finding.evaluated,
        "failed": len(finding.complaints),
        "complaints": [complaint.line() for complaint in finding.complaints],
    }


def _speech(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Hours, utterances and speakers of each language and role."""
    return [
        {
            "language": str(language),
            "role": str(role),
            "utterances": len(part),
            "speakers": int(part["speaker_id"].nunique()),
            "hours": round(float(part["duration_s"].sum()) / _SECONDS_PER_HOUR, 4),
        }
        for (language, role), part in frame.groupby(["language", "role"], sort=True)
    ]
