"""The 12 definitions (파라미터 정의서): model × {구조, 학습, 추론}, each leaf with name, range and status."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from components.core.params import ModelSection
from components.reporting.inputs import ModelReport, ReportInputs
from components.reporting.names import ParameterName, parameter_name

KINDS = ("architecture", "training", "inference")
DefinitionState = Literal["확정", "실험중", "예상"]
_SIGNS = (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))


@dataclass(frozen=True)
class Leaf:
    """One row of the sheet.

    ``value`` is params.yaml's (the a100 profile); ``effective`` what the profile of these runs used.
    ``state``: 확정 — the value ran and passed the gate; 실험중 — it ran; 예상 — no run has used it.
    """

    definition_id: str
    row_id: str
    model: str
    kind: str
    path: str
    name: ParameterName
    value: Any
    effective: Any
    allowed: str
    previous: Any
    state: DefinitionState
    run_id: str


def leaves(inputs: ReportInputs) -> tuple[Leaf, ...]:
    """Every leaf of every definition, in the order of params.yaml."""
    rows: list[Leaf] = []
    names = list(inputs.base.models)
    for model_index, model in enumerate(names):
        for kind_index, kind in enumerate(KINDS):
            number = model_index * len(KINDS) + kind_index + 1
            rows += _definition(inputs, model, kind, f"D{number:02d}")
    return tuple(rows)


def flat_values(models: Mapping[str, ModelSection]) -> dict[str, Any]:
    """``models.<name>.<kind>.<leaf>`` → plain JSON value."""
    return {
        f"models.{model}.{kind}.{leaf}": plain(value)
        for model, section in models.items()
        for kind, definition in section.definitions().items()
        for leaf, value in _walk(definition)
    }


def plain(value: Any) -> Any:
    """Tuples as lists, as JSON would give them back."""
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def shown(value: Any) -> Any:
    """A cell's content: numbers stay numbers, lists become ``10, 8, 2, 2``, booleans and null words.

    A parameter that is null is switched off; only a figure can be 미측정.
    """
    if value is None:
        return "없음"
    if isinstance(value, bool):
        return "사용" if value else "미사용"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    return value


def _definition(inputs: ReportInputs, model: str, kind: str, definition_id: str) -> Iterator[Leaf]:
    report = inputs.model(model)
    values = dict(_walk(inputs.base.models[model].definitions()[kind]))
    effective = dict(_walk(inputs.params.models[model].definitions()[kind]))
    ranges = dict(_ranges(type(getattr(inputs.base.models[model], kind))))
    for index, (leaf, value) in enumerate(values.items(), start=1):
        path = f"models.{model}.{kind}.{leaf}"
        now = _effective(leaf, effective)
        yield Leaf(
            definition_id=definition_id,
            row_id=f"{definition_id}-{index:02d}",
            model=model,
            kind=kind,
            path=path,
            name=parameter_name(model, leaf),
            value=plain(value),
            effective=plain(now),
            allowed=ranges.get(leaf, ""),
            previous=inputs.previous.definitions.get(path) if inputs.previous else None,
            state=_state(report, same=value == now),
            run_id=report.evidence.run_id if report.evidence and value == now else "",
        )


def _state(report: ModelReport, *, same: bool) -> DefinitionState:
    if report.evidence is None or not same:
        return "예상"
    passed = report.decision is not None and report.decision.verdict == "PASS"
    return "확정" if passed else "실험중"


def _effective(leaf: str, effective: Mapping[str, Any]) -> Any:
    """What the profile says of a leaf; where it puts a whole section in its place, that section in words."""
    if leaf in effective:
        return effective[leaf]
    below = {name: value for name, value in effective.items() if name.startswith(f"{leaf}.")}
    return [f"{name.removeprefix(f'{leaf}.')} {shown(value)}" for name, value in below.items()]


def _walk(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _walk(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _ranges(section: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, field in section.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _ranges(annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _range(field)


def _range(field: FieldInfo) -> str:
    """``> 0, ≤ 1``, ``dio | harvest``, ``5개 값``: what the type accepts."""
    if get_origin(field.annotation) is Literal:
        return " | ".join(str(option) for option in get_args(field.annotation))
    if any(isinstance(one, type) and issubclass(one, BaseModel) for one in get_args(field.annotation)):
        return "없음 | 구성"
    if field.annotation is bool:
        return "사용 | 미사용"
    bounds = [
        f"{sign} {getattr(constraint, attribute):g}"
        for constraint in field.metadata
        for attribute, sign in _SIGNS
        if getattr(constraint, attribute, None) is not None
    ]
    items = get_args(field.annotation) if get_origin(field.annotation) is tuple else ()
    if items and Ellipsis not in items:
        bounds.append(f"값 {len(items)}개")
    elif items:
        bounds.append("값의 목록")
    if field.annotation is str:
        bounds.append("문자열")
    return ", ".join(bounds) or {int: "정수", float: "실수"}.get(field.annotation, "")  # type: ignore[arg-type]
