"""``add-speaker``: minutes of a person's recordings → a voice that ``convert`` knows.

Takes the recordings into a corpus of added speakers and runs the stages up to the training of a model that
converts voices, which begins from the champion, else from ``pretrained/``. What comes out was judged by
nobody: `evaluate`, `gate` and `promote`, or the next retraining, do that.
"""

from __future__ import annotations

import datetime
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from filelock import FileLock

from components import catalogue
from components.core.errors import BadInputError, ConfigError, DataError
from components.core.params import Params
from components.core.params.data import DataParams
from components.core.paths import Workspace
from components.core.progress import Progress, duration
from components.core.stage_graph import stage as stage_named
from components.core.storage import sha256_path
from components.core.utterance import LANGUAGES, UntranscribedLanguage, Utterance
from components.data.consent import TRAINING, ConsentRecord
from components.data.corpus import Corpus
from components.data.embedded import HUMAN
from components.data.manifest import MANIFEST_NAME
from components.data.names import name_fault
from components.data.origins import ORIGINS_NAME, read_origins
from components.data.readers.speaker import source_name
from components.stages.contract import Record
from components.stages.runner import Request, run_stage
from components.stages.speaker_source import Person, Prepared, prepare, recordings

_STAGES = ("version", "validate", "features", "adopt", "train")
_CLONING = "clone"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ID_DIGITS = 12
_SPOKEN = (*LANGUAGES, *get_args(UntranscribedLanguage))


@dataclass(frozen=True)
class NewSpeaker:
    """Whose voice is added, and what allows it.

    Attributes:
        audio: a recording or a folder of recordings, of any rate, length and format.
        consent: the signed document, or its sha256 where the document lies elsewhere.
        scope: what it covers; it has to hold ``train`` and ``clone``.
        licence: SPDX id or the name of the agreement; "": the consent's own id.
        replace: recordings that this speaker had before leave the corpus.
    """

    model: str
    name: str
    audio: Path
    consent: str
    scope: tuple[str, ...]
    signed: datetime.date
    expires: datetime.date | None
    language: str
    licence: str
    replace: bool


@dataclass(frozen=True)
class Added:
    """What was done.

    Attributes:
        new: clips that the corpus did not hold before.
        gone: clips that left it.
        total_s: seconds of this speaker in the corpus now.
        trained: the record of the training; None where none was asked for.
    """

    prepared: Prepared
    new: int
    gone: int
    total_s: float
    trained: Record | None


def add_speaker(
    project: Path, profile: str | None, workspace: Workspace, wish: NewSpeaker, *, train: bool
) -> Added:
    """Take the recordings in and, with ``train``, train the model with them.

    A second time with the same recordings changes nothing, and trains only what was not trained. Everything
    about the wish and the recordings is checked before anything is written.

    Raises:
        ConfigError: no such model or corpus.
        BadInputError: a name, language or consent that cannot be used.
        DataError: recordings that cannot be used.
        IrisError: whatever the stages say; what was taken in stays, and the same call goes on from there.
    """
    params = catalogue.load(project, profile)
    needed = _check_model(params, wish.model)
    consent = _consent(wish)
    _check_name(params.data, workspace, wish)
    person = Person(wish.name, wish.language, wish.licence or consent.consent_id, consent)
    corpus = Corpus(workspace.data / params.data.new_speaker.corpus)
    scratch = workspace.root / "ingest"
    scratch.mkdir(parents=True, exist_ok=True)
    with FileLock(scratch / "speaker.lock"):
        folder = scratch / "speaker-source"
        shutil.rmtree(folder, ignore_errors=True)  # a killed call's
        try:
            files, progress = recordings(wish.audio), Progress("add-speaker")
            prepared = prepare(files, person, params.data, needed, folder, progress)
            _check_length(params.data, wish, prepared, _kept(corpus, wish))
            if train and not _has_corpora(params.data, workspace):
                run_stage(Request("ingest", None, profile, workspace, project))
                _check_name(params.data, workspace, wish)
            extra = {"source": str(folder), "format": "speaker", "corpus": corpus.name}
            extra |= {"replace": "yes"} if wish.replace else {}
            taken = run_stage(Request("ingest", None, profile, workspace, project, extra=extra))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    record = _trained(project, profile, workspace, wish.model) if train else None
    return _added(prepared, taken, record, Corpus(corpus.folder), wish.name)


def _added(prepared: Prepared, taken: Record, trained: Record | None, corpus: Corpus, speaker: str) -> Added:
    total_s = sum(row.duration_s for row in corpus.rows if row.speaker_id == speaker)
    new = taken.summary["added"].get(corpus.name, 0)
    return Added(prepared, new, len(taken.summary["removed"].get(corpus.name, {})), total_s, trained)


def told(added: Added, wish: NewSpeaker) -> list[str]:
    """What a person wants to know of it, in lines."""
    prepared = added.prepared
    lines = [f"left out: {reason}" for reason in prepared.left_out]
    lines.append(
        f"{wish.name}: {duration(prepared.seconds)} of speech in {len(prepared.rows)} clips "
        f"(of {duration(prepared.given_s)} given); {duration(added.total_s)} in the corpus"
    )
    if not added.new and not added.gone:
        lines.append(f"{wish.name}: the same recordings as before; the corpus is unchanged")
    else:
        lines.append(f"{wish.name}: {added.new} clips new, {added.gone} gone")
    if added.trained is None:
        lines.append("not trained: the next retraining learns this voice")
    else:
        state = "was trained with it already" if added.trained.state == "skipped" else "is trained"
        summary = added.trained.summary
        lines.append(
            f"{wish.model} {state}: {summary['steps']} steps, {summary['warm_start']}; nobody judged it"
        )
        lines.append(
            f"try it: python -m components convert --input IN.wav --speaker {wish.name} --out OUT.wav"
        )
    return lines


def _trained(project: Path, profile: str | None, workspace: Workspace, model: str) -> Record:
    for name in _STAGES:
        of_model = model if stage_named(name).per_model else None
        record = run_stage(Request(name, of_model, profile, workspace, project))
    return record


def _check_model(params: Params, model: str) -> float:
    """Hz that a recording needs at least, for a model that converts voices."""
    catalogue.converter(model)
    corpus = params.data.new_speaker.corpus
    if corpus not in params.data.corpora:
        raise ConfigError(
            who="data.corpora",
            expected=f"{corpus} among them: that is where added speakers are (data.new_speaker.corpus)",
            found=", ".join(params.data.corpora),
            action=f"add {corpus} to data.corpora of this profile, or name another data.new_speaker.corpus",
        )
    return 2 * float(params.models[model].architecture.model_dump()["fmax_hz"])


def _consent(wish: NewSpeaker) -> ConsentRecord:
    """The consent record of the document, once it allows what is about to be done today (UTC)."""
    path = Path(wish.consent)
    digest = wish.consent.lower()
    if not _SHA256.fullmatch(digest):
        if not path.is_file():
            raise _consent_fault(
                "the signed document, or its sha256 (64 hex digits)", wish.consent or "nothing"
            )
        digest = sha256_path(path)
    record = ConsentRecord(
        consent_id=f"{wish.name}-{digest[:_ID_DIGITS]}",
        speaker_id=wish.name,
        basis="document",
        document_sha256=digest,
        scope=wish.scope or ("",),
        signed=wish.signed,
        expires=wish.expires,
        withdrawn=None,
    )
    missing = [one for one in (TRAINING, _CLONING) if one not in wish.scope]
    if missing:
        covered = ", ".join(wish.scope) or "nothing"
        raise _consent_fault(f"a consent that covers {TRAINING} and {_CLONING}", f"one that covers {covered}")
    objection = record.objection(wish.name, datetime.datetime.now(datetime.UTC).date())
    if objection:
        raise _consent_fault("a consent that holds today", objection)
    return record


def _consent_fault(expected: str, found: str) -> BadInputError:
    return BadInputError(
        who="--consent",
        expected=expected,
        found=found,
        action="without the speaker's agreement no voice is learned; nothing was changed",
    )


def _check_name(data: DataParams, workspace: Workspace, wish: NewSpeaker) -> None:
    fault = name_fault(wish.name, f"_{'0' * _ID_DIGITS}_0000.wav")
    if fault:
        raise BadInputError(
            who="--name", expected="a name for files", found=fault, action="choose a plain name"
        )
    if wish.language not in _SPOKEN:
        raise BadInputError(
            who="--language",
            expected=f"one of {', '.join(_SPOKEN)}",
            found=repr(wish.language),
            action="und, where it is none of these",
        )
    for path in sorted(workspace.data.glob(f"*/{MANIFEST_NAME}")):
        corpus = Corpus(path.parent)
        origins = read_origins(corpus.folder / ORIGINS_NAME)
        for row in corpus.rows:
            ours = corpus.name == data.new_speaker.corpus and origins.get(row.utterance_id) == source_name(
                wish.name
            )
            if row.speaker_id == wish.name and not ours:
                raise DataError(
                    who=f"speaker {wish.name}",
                    expected="a name of its own",
                    found=f"one that corpus {corpus.name} uses",
                    action="choose another name; nothing was changed",
                )


def _kept(corpus: Corpus, wish: NewSpeaker) -> list[Utterance]:
    """This speaker's recordings that stay whatever is added."""
    if wish.replace or not (corpus.folder / MANIFEST_NAME).is_file():
        return []
    return [row for row in corpus.rows if row.speaker_id == wish.name]


def _check_length(data: DataParams, wish: NewSpeaker, prepared: Prepared, before: list[Utterance]) -> None:
    offered = {row.utterance_id for row in prepared.rows}
    seconds = prepared.seconds + sum(row.duration_s for row in before if row.utterance_id not in offered)
    least = data.new_speaker.speech_min_s
    if seconds < least or not prepared.rows:
        raise DataError(
            who=f"speaker {wish.name}",
            expected=f"{duration(least)} of speech or more (data.new_speaker.speech_min_s)",
            found=f"{duration(seconds)} in {len(prepared.rows)} clips, of {duration(prepared.given_s)} given",
            action="give more or better recordings; nothing was changed",
            details=prepared.left_out,
        )


def _has_corpora(data: DataParams, workspace: Workspace) -> bool:
    """Whether the other corpora of this profile stand; the recorded one may be out of reach here."""
    wanted = [name for name in data.corpora if name not in (HUMAN, data.new_speaker.corpus)]
    return all((workspace.data / name / MANIFEST_NAME).is_file() for name in wanted)
