"""features: audio → this model's memory-mapped arrays; its spec says which rows and which analysis."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from components import catalogue
from components.core.errors import ConfigError, ValidationBlockedError
from components.core.extraction import Extraction, FeatureReport
from components.data.corpus import corpora
from components.stages.contract import Outcome, StageContext
from components.stages.shipped import auxiliaries, auxiliary_weights

#: In the stage's summary: auxiliary network → sha256 of its delivered folder.
MADE_WITH = "made_with"


def run(context: StageContext) -> Outcome:
    """Bring the model's feature store up to date with the corpora.

    Raises:
        ValidationBlockedError: these data were refused, or never validated.
        DataError: no corpus, or no row of it that the model can use.
    """
    report = extract(context, None)
    made_with = dict(fingerprint(context))
    return Outcome(outputs={"store": _store(context)}, summary={**asdict(report), MADE_WITH: made_with})


def fingerprint(context: StageContext) -> Mapping[str, str]:
    """Auxiliary networks that this model's features are made with: with other weights they are made anew."""
    return auxiliary_weights(context.project, context.section.features_need)


def require_same_networks(context: StageContext) -> None:
    """Refuse features that were made with other auxiliary networks than those that are shipped now.

    Raises:
        ConfigError: names the networks.
    """
    made_with, now = context.upstream["features"].summary.get(MADE_WITH, {}), fingerprint(context)
    changed = [name for name, sha256 in now.items() if made_with.get(name) != sha256]
    if changed:
        raise ConfigError(
            who=f"features of {context.model}",
            expected=f"to be made with the {', '.join(changed)} of pretrained/",
            found=", ".join(f"{str(made_with.get(name, 'none'))[:12]}…" for name in changed),
            action=f"run `python -m components features --model {context.model}`, then train",
        )


def extract(context: StageContext, shard: tuple[int, int] | None) -> FeatureReport:
    """Compute and write the store; with a shard (number, of how many) compute that share and write none.

    Raises:
        As `run` does.
    """
    _require_validation(context)
    params = context.params
    extraction = Extraction(
        corpora=[corpus.folder for corpus in corpora(context.workspace.data, params.data.corpora)],
        target=_store(context),
        audio=params.audio,
        data=params.data,
        seed=params.seed,
        workers=params.platform.workers,
        progress=context.progress,
        shard=shard,
    )
    report = catalogue.spec(str(context.model)).extract_features(
        context.section, extraction, auxiliaries(context.project, params)
    )
    for utterance_id, reason in report.rejected.items():
        context.progress.say(f"rejected {utterance_id}: {reason}")
    context.progress.say(f"{report.accepted} of {report.rows} utterances, {report.reused} of them reused")
    return report


def _store(context: StageContext) -> Path:
    return context.workspace.features / str(context.model)


def _require_validation(context: StageContext) -> None:
    """A refusal leaves the record of the last success in place, so the result itself is asked."""
    path = context.input("validate", "result")
    result = json.loads(path.read_text(encoding="utf-8"))
    if result["blocked"] or result["data_md5"] != context.data_md5:
        raise ValidationBlockedError(
            who=str(path),
            expected=f"data version {context.data_md5} to have passed validation",
            found="it was refused" if result["blocked"] else f"a result for {result['data_md5']}",
            action="run `python -m components validate`, and mend what it names",
        )
