"""The tasks of a retraining: every stage once, or once a model, each after what it needs."""

from __future__ import annotations

from components.core.retraining import Task, owners, tasks
from components.core.stage_graph import STAGES


def _by_name(models: tuple[str, ...]) -> dict[str, Task]:
    return {task.name: task for task in tasks(models)}


def test_a_stage_runs_once_or_once_a_model() -> None:
    names = [task.name for task in tasks(("a", "b"))]
    expected = [
        name
        for one in STAGES
        for name in ([f"a.{one.name}", f"b.{one.name}"] if one.per_model else [one.name])
        if not one.declared
    ]
    assert names == expected


def test_a_declared_stage_runs_for_the_models_that_ask_for_it_and_is_waited_for() -> None:
    planned = {task.name: task for task in tasks(("a", "b"), {"b": ("expert",)})}
    assert "a.expert" not in planned
    assert planned["b.expert"].needs == ("b.features",)
    assert set(planned["b.train"].needs) == {"b.features", "b.adopt", "b.expert"}
    assert set(planned["a.train"].needs) == {"a.features", "a.adopt"}
    assert [owners(one, ("a", "b"), {"b": ("expert",)}) for one in STAGES if one.declared] == [("b",)]


def test_a_task_needs_its_own_model_and_comes_after_it() -> None:
    planned = _by_name(("a", "b"))
    assert set(planned["b.train"].needs) == {"b.features", "b.adopt"}
    assert planned["a.features"].needs == ("validate",)
    assert planned["ingest"].needs == ()
    seen: set[str] = set()
    for task in planned.values():
        assert set(task.needs) <= seen
        seen.add(task.name)


def test_the_report_waits_for_every_promotion_and_for_the_gates_behind_them() -> None:
    planned = _by_name(("a", "b"))
    assert set(planned["report"].needs) == {"a.promote", "b.promote", "a.gate", "b.gate"}
    assert [name for name, task in planned.items() if task.collects] == ["report"]
