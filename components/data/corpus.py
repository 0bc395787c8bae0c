"""A corpus folder, read: rows, audio paths, phoneme timings, consent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from components.core.errors import DataError
from components.core.utterance import PhonemeTiming, Utterance
from components.data.consent import CONSENT_NAME, ConsentRecord, read_consents
from components.data.manifest import MANIFEST_NAME, read_manifest
from components.data.timings import ALIGNMENTS_NAME, read_timings


@dataclass(frozen=True)
class Corpus:
    """One folder below ``data/``. Files are read when first asked for, then kept."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @cached_property
    def rows(self) -> tuple[Utterance, ...]:
        """The manifest, sorted by utterance id."""
        return read_manifest(self.folder / MANIFEST_NAME)

    @cached_property
    def by_id(self) -> dict[str, Utterance]:
        """Utterance id → row."""
        return {row.utterance_id: row for row in self.rows}

    @cached_property
    def timings(self) -> dict[str, tuple[PhonemeTiming, ...]]:
        """Utterance id → phonemes in spoken order; only where the source knew them."""
        return read_timings(self.folder / ALIGNMENTS_NAME)

    @cached_property
    def consents(self) -> dict[str, ConsentRecord]:
        """Consent id → record."""
        return read_consents(self.folder / CONSENT_NAME)

    def audio(self, row: Utterance) -> Path:
        """The audio file of a row.

        Raises:
            DataError: the manifest points outside the corpus folder.
        """
        path = self.folder / row.path
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise DataError(
                who=row.utterance_id,
                expected=f"a path below {self.folder}",
                found=row.path,
                action="ingest the corpus again, or restore it with `restore-data`",
            )
        return path


def rows_of(
    corpora: Sequence[Corpus], select: Callable[[Utterance], bool]
) -> Iterator[tuple[Corpus, Utterance]]:
    """The selected rows, corpus by corpus.

    Raises:
        DataError: one id in two corpora.
    """
    seen: set[str] = set()
    for corpus in corpora:
        for row in filter(select, corpus.rows):
            if row.utterance_id in seen:
                raise DataError(
                    who=row.utterance_id,
                    expected="an utterance_id that stands in one corpus",
                    found=f"it again in {corpus.name}",
                    action="rename one of the two",
                )
            seen.add(row.utterance_id)
            yield corpus, row


def corpora(data: Path, names: Sequence[str]) -> tuple[Corpus, ...]:
    """Those of the named corpora that exist below ``data``.

    Raises:
        DataError: none of them exists.
    """
    present = tuple(Corpus(data / name) for name in names if (data / name / MANIFEST_NAME).is_file())
    if not present:
        raise DataError(
            who=str(data),
            expected=f"a corpus with {MANIFEST_NAME} among {', '.join(names)}",
            found="none",
            action="run `python -m components ingest` first",
        )
    return present
