"""features: audio → this model's memory-mapped arrays; its spec says which rows and which analysis."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from components import catalogue
from components.data.corpus import corpora
from components.stages.contract import Outcome, StageContext


def run(context: StageContext) -> Outcome:
    """Bring the model's feature store up to date with the corpora.

    Raises:
        DataError: no corpus, or no row of it that the model can use.
    """
    name = str(context.model)
    target: Path = context.workspace.features / name
    report = catalogue.spec(name).extract_features(
        section=context.section,
        audio=context.params.audio,
        corpora=[corpus.folder for corpus in corpora(context.workspace.data, context.params.data.corpora)],
        target=target,
        workers=context.params.platform.workers,
        progress=context.progress,
    )
    for utterance_id, reason in report.rejected.items():
        context.progress.say(f"rejected {utterance_id}: {reason}")
    context.progress.say(f"{report.accepted} of {report.rows} utterances, {report.reused} of them reused")
    return Outcome(outputs={"store": target}, summary=asdict(report))
