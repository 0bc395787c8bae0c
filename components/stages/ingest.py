"""Corpora in their own formats → audio and manifest below ``data/``."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from components.core.errors import ConfigError
from components.core.params import Params
from components.core.paths import Workspace
from components.core.progress import Progress
from components.core.storage import sha256_json, write_json, write_text
from components.data.corpus import Corpus, corpora
from components.data.embedded import ESPEAK, HUMAN, generator, take_espeak, take_human
from components.data.ingest import Ingest, IngestReport, ingest_source
from components.data.manifest import MANIFEST_NAME
from components.data.rejection import rejected_text
from components.data.tree_md5 import tree_md5
from components.stages.contract import Outcome, StageContext

_SOURCE_OPTIONS = ("source", "format", "corpus")
_SECONDS_A_MINUTE = 60.0


def run(context: StageContext) -> Outcome:
    """Make the embedded corpora; given ``source``, ``format`` and ``corpus``, add recordings to a corpus."""
    ingest = writer(context.params, context.workspace, context.progress)
    scratch = context.workspace.root / "ingest"
    reports, skipped = (
        ([_from_outside(context, ingest)], {})
        if _asks_for_source(context.extra)
        else _embedded(context.params, ingest, scratch)
    )
    for report in reports:
        context.progress.say(_line(report))
    present = corpora(ingest.data, _present(ingest.data))
    summary = {
        "generator": generator(),
        "sources": {report.corpus: _counts(report) for report in reports},
        "skipped": skipped,
        "corpora": {corpus.name: contents(corpus) for corpus in present},
    }
    manifest_summary, rejected = scratch / "manifest_summary.json", scratch / "rejected.csv"
    write_json(manifest_summary, summary)
    write_text(rejected, rejected_text((r.corpus, no) for r in reports for no in r.rejected))
    return Outcome(
        outputs={"manifest_summary": manifest_summary, "rejected": rejected, "data": ingest.data},
        # What this run changed is told, but is no output: a second run has the same outputs.
        summary={
            **summary,
            "added": {report.corpus: report.added for report in reports},
            "removed": {report.corpus: dict(report.removed) for report in reports},
        },
    )


def fingerprint(context: StageContext) -> dict[str, str]:
    """The files of a source folder by name, size and time: new recordings there make the stage run again."""
    if not _asks_for_source(context.extra):
        return {}
    folder = Path(str(context.extra.get("source", "")))
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    # ascii: a name in another encoding than UTF-8 (from an old archive, say) stops nothing.
    stats = [[ascii(str(path)), path.stat().st_size, path.stat().st_mtime_ns] for path in files]
    return {"source": sha256_json(stats)}


def writer(params: Params, workspace: Workspace, progress: Progress) -> Ingest:
    """The writer of a workspace's data; consent has to hold today (UTC)."""
    return Ingest(
        data=workspace.data,
        locks=workspace.locks,
        params=params.data,
        seed=params.seed,
        today=datetime.datetime.now(datetime.UTC).date(),
        progress=progress,
    )


def _asks_for_source(extra: Mapping[str, Any]) -> bool:
    return any(extra.get(option) for option in _SOURCE_OPTIONS)


def _from_outside(context: StageContext, ingest: Ingest) -> IngestReport:
    missing = [f"--{option}" for option in _SOURCE_OPTIONS if not context.extra.get(option)]
    if missing:
        raise ConfigError(
            who="ingest",
            expected="--source, --format and --corpus together",
            found=f"no {', '.join(missing)}",
            action="give all three, or none for the corpora of params.yaml",
        )
    corpus = str(context.extra["corpus"])
    source, replace = Path(str(context.extra["source"])), bool(context.extra.get("replace"))
    report = ingest_source(source, str(context.extra["format"]), corpus, ingest, replace=replace)
    if corpus not in context.params.data.corpora:
        context.progress.say(f"add {corpus} to data.corpora in params.yaml to train on it")
    return report


def _embedded(params: Params, ingest: Ingest, scratch: Path) -> tuple[list[IngestReport], dict[str, str]]:
    reports, skipped = [], {}
    for name in params.data.corpora:
        if name == ESPEAK:
            reports.append(take_espeak(ingest, scratch, params.platform.workers))
        elif name == HUMAN:
            taken = take_human(ingest, scratch)
            if isinstance(taken, IngestReport):
                reports.append(taken)
            else:
                skipped[name] = taken.reason
                ingest.progress.say(f"corpus {name} skipped: {taken.reason}")
        elif name != params.data.new_speaker.corpus and not (ingest.data / name / MANIFEST_NAME).is_file():
            raise ConfigError(
                who=f"data.corpora: {name}",
                expected=f"a corpus in {ingest.data / name}",
                found="none",
                action=f"run `python -m components ingest --source DIR --format kss --corpus {name}`",
            )
    return reports, skipped


def _present(data: Path) -> tuple[str, ...]:
    return tuple(sorted(p.parent.name for p in data.glob(f"*/{MANIFEST_NAME}") if p.parent.name[0] != "."))


def _line(report: IngestReport) -> str:
    return (
        f"{report.corpus}: {report.accepted} of {report.rows} rows accepted, "
        f"{len(report.rejected)} rejected, {report.added} new, {len(report.removed)} removed, "
        f"{report.total} in the corpus"
    )


def _counts(report: IngestReport) -> dict[str, Any]:
    reasons: dict[str, int] = {}
    for rejection in report.rejected:
        reasons[rejection.reason] = reasons.get(rejection.reason, 0) + 1
    return {
        "rows": report.rows,
        "accepted": report.accepted,
        "rejected": len(report.rejected),
        "rejected_by_reason": reasons,
    }


def contents(corpus: Corpus) -> dict[str, Any]:
    """What a corpus holds: utterances, speakers, splits, roles, minutes by language, md5."""
    seconds: dict[str, float] = {}
    for row in corpus.rows:
        seconds[row.language] = seconds.get(row.language, 0.0) + row.duration_s
    return {
        "utterances": len(corpus.rows),
        "speakers": len({row.speaker_id for row in corpus.rows}),
        "splits": _tally(row.split for row in corpus.rows),
        "roles": _tally(row.role for row in corpus.rows),
        "minutes": {name: round(total / _SECONDS_A_MINUTE, 2) for name, total in sorted(seconds.items())},
        "md5": tree_md5(corpus.folder.parent, [corpus.name]),
    }


def _tally(values: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return dict(sorted(counts.items()))
