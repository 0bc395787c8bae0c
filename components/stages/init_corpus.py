"""``init-corpus``: a folder of recordings in whatever known format becomes a corpus, and is told about."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.core.params import Params
from components.core.paths import Workspace
from components.core.progress import Progress
from components.core.storage import write_text
from components.data.corpus import Corpus
from components.data.ingest import Ingest, IngestReport, MostlyRejectedError
from components.data.readers import read_source, recognise
from components.data.rejection import Rejection, rejected_text
from components.data.source import Source
from components.stages.ingest import contents, writer

_CONSENT_REASONS = ("missing_consent", "invalid_consent")
_SHOWN = 10


@dataclass(frozen=True)
class CorpusWish:
    """Which folder, as what.

    Attributes:
        format: None: recognised.
        corpus: folder below ``data/`` that receives the recordings; None: named after the format.
        role: of every row, in place of the reader's; None: as read.
    """

    folder: Path
    format: str | None = None
    corpus: str | None = None
    role: str | None = None


def init_corpus(params: Params, workspace: Workspace, wish: CorpusWish) -> list[str]:
    """Take the folder in; accepted and rejected rows add up to those of its list.

    Every rejected row stands in ``ingest/<corpus>.rejected.csv`` of the workspace, also where so much is
    rejected that nothing is taken.

    Returns:
        What was found, a line each.

    Raises:
        DataError: no known format or several, too much rejected (nothing has changed then), a role that is
            none in most rows.
        ConfigError: no such format.
        StorageError: no space or no permission.
    """
    name = wish.format or recognise(wish.folder)
    source = read_source(wish.folder, name)
    if wish.role is not None:
        rows = tuple(dataclasses.replace(row, role=str(wish.role)) for row in source.rows)
        source = dataclasses.replace(source, rows=rows)
    corpus = wish.corpus or name
    ingest = writer(params, workspace, Progress("init-corpus"))
    listed = workspace.root / "ingest" / f"{corpus}.rejected.csv"
    try:
        report = ingest.take(source, corpus)
    except MostlyRejectedError as error:
        _write(listed, corpus, error.rejected)
        error.details = (*error.details, f"all {len(error.rejected)} in {listed}")
        raise
    _write(listed, corpus, report.rejected)
    return [
        f"format {name}: {report.accepted} of {report.rows} rows accepted into {corpus}, {report.added} new",
        *_held(ingest, report),
        *(f"left out: {number} {what}" for what, number in source.left_out.items()),
        *_rejections(source, report.rejected, listed),
        *_next(params, report),
    ]


def _write(path: Path, corpus: str, rejected: Sequence[Rejection]) -> None:
    write_text(path, rejected_text((corpus, one) for one in rejected))


def _held(ingest: Ingest, report: IngestReport) -> list[str]:
    corpus = Corpus(ingest.data / report.corpus)
    if not report.total:
        return ["the corpus holds nothing"]
    told = contents(corpus)
    minutes = ", ".join(f"{language} {value} min" for language, value in told["minutes"].items())
    roles = ", ".join(f"{role} {number}" for role, number in told["roles"].items())
    return [
        f"the corpus holds {told['utterances']} recordings of {told['speakers']} voices: {minutes}",
        f"roles: {roles}; splits: {', '.join(f'{k} {v}' for k, v in told['splits'].items())}",
        f"manifest: {corpus.folder / 'manifest.csv'}",
    ]


def _rejections(source: Source, rejected: Sequence[Rejection], listed: Path) -> list[str]:
    if not rejected:
        return []
    reasons = Counter(one.reason for one in rejected)
    lines = [f"rejected: {len(rejected)}, all of them in {listed}"]
    for reason, number in reasons.most_common():
        example = next(one for one in rejected if one.reason == reason)
        lines.append(f"  {reason} {number}: expected {example.expected}, found {example.found}")
    speakers = {row.number: row.speaker_id for row in source.rows}
    without = sorted({speakers[one.row] for one in rejected if one.reason in _CONSENT_REASONS})
    if without:
        more = f" and {len(without) - _SHOWN} more" if len(without) > _SHOWN else ""
        lines.append(f"without a consent that holds: {', '.join(without[:_SHOWN])}{more}")
    return lines


def _next(params: Params, report: IngestReport) -> list[str]:
    if report.corpus in params.data.corpora:
        return []
    return [f"to train on it: add {report.corpus} to data.corpora in params.yaml or a profile"]
