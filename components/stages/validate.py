"""validate: expectations over manifest and audio; critical failures block, after the report is written."""

from __future__ import annotations

import datetime

from components.core.storage import atomic_folder, recover_folder, sha256_json, write_json
from components.data.corpus import Corpus, corpora
from components.stages.contract import Outcome, StageContext
from components.validation.checks import checks
from components.validation.corpus_frame import consent_problem, corpus_frame
from components.validation.expectations import evaluate
from components.validation.report import blocked_error, blocking, result_record


def run(context: StageContext) -> Outcome:
    """Measure, expect, report.

    The result and the Data Docs replace the earlier ones together, also when the data are refused.

    Raises:
        ValidationBlockedError: a critical expectation failed; ``details`` names the utterances.
        DataError: no corpus, or a table of it that cannot be read.
    """
    limits = context.params.data.validation
    frame = corpus_frame(
        _corpora(context), limits.silence_dbfs, _today(), context.params.platform.workers, context.progress
    )
    target = context.workspace.validation
    recover_folder(target)
    with atomic_folder(target) as folder:
        findings = evaluate(frame, checks(limits), folder / "data_docs", context.data_md5)
        record = result_record(frame, findings, context.data_md5)
        write_json(folder / "result.json", record)
    docs = target / "data_docs" / "index.html"
    for finding in findings:
        if finding.complaints:
            first = finding.complaints[0].line()
            context.progress.say(f"{finding.check.severity}: {len(finding.complaints)} × e.g. {first}")
    if blocking(findings):
        raise blocked_error(findings, str(docs))
    context.progress.say(f"{len(frame)} utterances meet {len(findings)} expectations; {docs}")
    return Outcome(
        outputs={"result": target / "result.json", "data_docs": target / "data_docs"},
        summary={
            name: record[name] for name in ("expectations", "failed", "blocked", "utterances", "speech")
        },
    )


def fingerprint(context: StageContext) -> dict[str, str]:
    """A consent that lapses overnight changes the outcome although no file does."""
    objections = [
        consent_problem(corpus, row, _today()) for corpus in _corpora(context) for row in corpus.rows
    ]
    return {"consent": sha256_json(objections)}


def _corpora(context: StageContext) -> tuple[Corpus, ...]:
    return corpora(context.workspace.data, context.params.data.corpora)


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()
