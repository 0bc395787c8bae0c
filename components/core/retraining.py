"""A retraining as tasks: the stage graph laid out over models, whoever orchestrates it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from components.core.stage_graph import STAGES, Stage, stage


@dataclass(frozen=True)
class Task:
    """A stage with its model: one node of a retraining, whoever orchestrates it.

    Attributes:
        stage: what runs.
        model: for whom; None for a stage that runs once.
        needs: names of the tasks that come first.
        collects: runs once over all models, whatever became of single ones.
    """

    stage: Stage
    model: str | None
    needs: tuple[str, ...]
    collects: bool

    @property
    def name(self) -> str:
        """Unique within a retraining."""
        return f"{self.model}.{self.stage.name}" if self.model else self.stage.name


#: Model → the stages it asks for (`Stage.declared`); one that is not here asks for none.
Further = Mapping[str, Collection[str]]


def owners(one: Stage, models: Sequence[str], further: Further) -> tuple[str | None, ...]:
    """The models that a stage runs for; None alone for a stage that runs once."""
    if not one.per_model:
        return (None,)
    return tuple(model for model in models if one.belongs_to(further.get(model, ())))


def tasks(models: Sequence[str], further: Further = MappingProxyType({})) -> tuple[Task, ...]:
    """Every task of a retraining of ``models``, each after those it needs.

    A promotion is left out without a PASS; what waits for it therefore also waits for what the promotion
    itself waits for (the report for the gates).
    """
    return tuple(
        Task(one, model, tuple(_needed(one, (model,) if model else models, further)), _collects(one))
        for one in STAGES
        for model in owners(one, models, further)
    )


def _needed(wanting: Stage, models: Sequence[str], further: Further) -> Iterator[str]:
    pending = [stage(name) for name in wanting.needs]
    while pending:
        needed = pending.pop(0)
        of = owners(needed, models, further)
        yield from (f"{owner}.{needed.name}" if owner else needed.name for owner in of)
        if needed.only_on_pass:
            pending += [stage(name) for name in needed.needs]


def _collects(one: Stage) -> bool:
    return not one.per_model and any(stage(name).per_model for name in one.needs)
