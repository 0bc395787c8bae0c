"""Runs the checks with Great Expectations and builds its Data Docs; nothing else here imports the library."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.core.errors import IrisError
from components.validation.checks import Check

if TYPE_CHECKING:
    import pandas as pd

#: Read by the library when it is imported.
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")


@dataclass(frozen=True)
class Complaint:
    """One row that does not meet one check."""

    utterance_id: str
    row: str
    text: str

    def line(self) -> str:
        """``ko_0007: duration_s 0.21 below 0.5 (espeak/manifest.csv row 8)``."""
        return f"{self.utterance_id}: {self.text} ({self.row})"


@dataclass(frozen=True)
class Finding:
    """What a check found; ``evaluated`` rows were asked, ``complaints`` did not meet it."""

    check: Check
    evaluated: int
    complaints: tuple[Complaint, ...]


def evaluate(frame: pd.DataFrame, checks: Sequence[Check], docs: Path, run_name: str) -> tuple[Finding, ...]:
    """Every check over the frame (`corpus_frame.corpus_frame`), and the Data Docs of it.

    Args:
        docs: folder for the Data Docs; ``index.html`` is the door.
        run_name: shown in the docs; the data version.

    Raises:
        IrisError: an expectation could not be evaluated, which must not pass for a success.
    """
    import great_expectations as gx
    from great_expectations.checkpoint import UpdateDataDocsAction
    from great_expectations.core.run_identifier import RunIdentifier

    context = _context(docs)
    asset = context.data_sources.add_or_update_pandas("corpus").add_dataframe_asset("utterances")
    batch = asset.add_batch_definition_whole_dataframe("all")
    definitions = []
    for name in dict.fromkeys(check.suite for check in checks):
        suite = context.suites.add(gx.ExpectationSuite(name=name))
        for check in checks:
            if check.suite == name:
                suite.add_expectation(_expectation(check))
        definition = gx.ValidationDefinition(name=name, data=batch, suite=suite)
        definitions.append(context.validation_definitions.add(definition))
    checkpoint = gx.Checkpoint(
        name="corpus",
        validation_definitions=definitions,
        actions=[UpdateDataDocsAction(name="data_docs")],
        result_format={
            "result_format": "COMPLETE",
            "unexpected_index_column_names": ["utterance_id", "row"],
            "return_unexpected_index_query": False,
        },
    )
    outcome = context.checkpoints.add(checkpoint).run(
        batch_parameters={"dataframe": frame}, run_id=RunIdentifier(run_name=run_name)
    )
    results = {
        result.expectation_config.meta["check"]: result
        for suite_result in outcome.run_results.values()
        for result in suite_result.results
    }
    cells: dict[str, Mapping[Any, Any]] = {str(line["row"]): line for line in frame.to_dict(orient="records")}
    return tuple(_finding(check, results[check.name], cells) for check in checks)


def _context(docs: Path) -> Any:
    """A context in memory whose only trace on disk are the docs."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
        data_docs_sites={
            "data_docs": {
                "class_name": "SiteBuilder",
                "show_how_to_buttons": False,
                "store_backend": {
                    "class_name": "TupleFilesystemStoreBackend",
                    "base_directory": str(docs),
                },
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            }
        },
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _expectation(check: Check) -> Any:
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    options: dict[str, Any] = {
        "column": check.column,
        "severity": check.severity,
        "notes": check.meaning,
        "meta": {"check": check.name},
    }
    if check.transcribed_only:
        options["row_condition"] = Column("text") != ""
    if check.kind == "absent":
        return gxe.ExpectColumnValuesToBeNull(**options)
    if check.kind == "unique":
        return gxe.ExpectColumnValuesToBeUnique(**options)
    if check.kind == "among":
        return gxe.ExpectColumnValuesToBeInSet(value_set=list(check.values), **options)
    return gxe.ExpectColumnValuesToBeBetween(min_value=check.low, max_value=check.high, **options)


def _finding(check: Check, result: Any, cells: Mapping[str, Mapping[Any, Any]]) -> Finding:
    found = result.result
    if "element_count" not in found:
        raise IrisError(
            who=f"expectation {check.name}",
            expected="an answer",
            found=" ".join(str(result.exception_info).split()),
            action="this is a defect of the check; nothing was trained",
        )
    failed = [cells[index["row"]] for index in found.get("unexpected_index_list") or ()]
    complaints = tuple(
        Complaint(str(line["utterance_id"]), str(line["row"]), check.complaint(line)) for line in failed
    )
    if bool(result.success) is bool(complaints):
        raise IrisError(
            who=f"expectation {check.name}",
            expected="the rows that failed",
            found=f"success {result.success} with {len(complaints)} of them",
            action="this is a defect of the check; nothing was trained",
        )
    return Finding(check, int(found["element_count"]), complaints)
