"""The review page: one HTML file a PI opens without a server, with every sentence to hear."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from components.core.metrics import Decision
from components.core.ports import MetricPoint
from components.reporting.alerts import KIND_TITLES
from components.reporting.champion import Duel, duels, figure_text
from components.reporting.cost_table import cost_rows, cost_sum, hours_text, money_text
from components.reporting.drawings import curve_svg, kpi_svg, trend_svg
from components.reporting.figures import STATUS_EN, number_text, with_unit
from components.reporting.inputs import (
    GENERATOR_VERSION,
    KST,
    ModelReport,
    ReportInputs,
    Sentence,
    reality_line,
)
from components.reporting.korean import phrase_korean, reason_korean, told_korean
from components.reporting.kpi_table import KpiRow, model_rows, project_rows
from components.reporting.listening_results import (
    ListeningResults,
    abx_figure,
    abx_statistic,
    listening_results,
)
from components.reporting.media import audio_address, read_clip, spectrogram_address, video_address
from components.reporting.names import VERDICT_TITLES, fact_korean, kpi_title, kpi_titles, model_title
from components.reporting.scheduled import SHIFT_TITLES, scheduled_review
from components.reporting.sheets.listing import flatten

_TEMPLATES = Path(__file__).parent / "templates"
_LANGUAGES = {"ko": "한국어", "en": "English", "ja": "日本語", "zh": "中文"}


@dataclass(frozen=True)
class SentenceView:
    """A sentence with the keys of its clips in the page's media block ("" where there is none)."""

    index: int
    rank: tuple[float, str]
    sentence: Sentence
    audio: str
    reference: str
    picture: str
    source: str
    videos: Mapping[str, str]


@dataclass(frozen=True)
class ModelView:
    """What the template prints of one model."""

    report: ModelReport
    title: str
    rows: tuple[KpiRow, ...]
    decision: Decision | None
    duels: tuple[Duel, ...]
    curves: tuple[tuple[str, Markup], ...]
    listening: ListeningResults | None
    sentences: tuple[SentenceView, ...]

    @property
    def converts(self) -> bool:
        """Whether there are sources to hear."""
        return any(one.source for one in self.sentences)

    @property
    def moves_lips(self) -> bool:
        """Whether its rows are clips: there is lip sync to see instead of speech to hear."""
        return any("ssim" in one.sentence.values for one in self.sentences)


def review_page(inputs: ReportInputs) -> str:
    """The whole page; the same inputs give the same text.

    Raises:
        DataError: a sample that the evaluation listed cannot be read.
    """
    media: dict[str, str] = {}
    views = tuple(_view(inputs, report, media) for report in inputs.models)
    korean, english = reality_line(inputs.params)
    template = _environment().get_template("review.html.j2")
    return template.render(
        inputs=inputs,
        views=views,
        missing=[
            model_title(name) for name in inputs.base.models if name not in {m.name for m in inputs.models}
        ],
        project=project_rows(inputs),
        scheduled=scheduled_review(inputs),
        stamp=inputs.stamp.astimezone(KST).strftime("%Y-%m-%d %H:%M KST")
        if inputs.stamp
        else "실행 없음 · no run",
        reality_ko=korean,
        reality_en=english,
        ingest=_facts(inputs.data.ingest),
        validation=_facts(inputs.data.validation),
        costs=cost_rows(inputs),
        cost_sum=cost_sum(inputs),
        version=GENERATOR_VERSION,
        style=_asset("review.css"),
        script=_asset("review.js"),
        media=Markup(json.dumps(media, sort_keys=True).replace("<", "\\u003c")),  # noqa: S704 - JSON, no "<"
    )


def _view(inputs: ReportInputs, report: ModelReport, media: dict[str, str]) -> ModelView:
    return ModelView(
        report=report,
        title=model_title(report.name),
        rows=model_rows(inputs, report.name),
        decision=report.decision,
        duels=duels(report.evidence, report.champion),
        curves=tuple(_curves(report.curves)),
        listening=listening_results(inputs, report.name),
        sentences=tuple(
            _sentence(report.name, index, sentence, media) for index, sentence in enumerate(report.sentences)
        ),
    )


def _curves(curves: Mapping[str, tuple[MetricPoint, ...]]) -> Iterable[tuple[str, Markup]]:
    """Training curves; KPIs and costs are logged into the same run and stand in tables already."""
    kpis = (*(title.name for title in kpi_titles()), "cost/")
    for key, points in sorted(curves.items()):
        if len(points) > 1 and not key.startswith(kpis):
            yield key, curve_svg(points)


def _sentence(model: str, index: int, sentence: Sentence, media: dict[str, str]) -> SentenceView:
    audio = picture = reference = source = ""
    if sentence.audio is not None:
        audio, picture = f"{model}/{sentence.sentence_id}", f"{model}/{sentence.sentence_id}/picture"
        samples, rate = read_clip(sentence.audio)
        media[audio], media[picture] = audio_address(samples, rate), spectrogram_address(samples, rate)
    if sentence.reference is not None:
        reference = f"reference/{sentence.reference.name}"
        if reference not in media:  # a speaker's recording stands beside many sentences
            media[reference] = audio_address(*read_clip(sentence.reference))
    if sentence.source is not None:
        source = f"{model}/{sentence.sentence_id}/source"
        media[source] = audio_address(*read_clip(sentence.source))
    videos = {name: f"{model}/{sentence.sentence_id}/{name}" for name in sentence.videos}
    media |= {key: video_address(sentence.videos[name]) for name, key in videos.items()}
    worst = sentence.values.get("similarity", sentence.values.get("lse_c", float("-inf")))
    return SentenceView(
        index, (worst, sentence.sentence_id), sentence, audio, reference, picture, source, videos
    )


def _facts(values: Mapping[str, Any]) -> list[tuple[tuple[str, Any], tuple[str, Any]]]:
    """Each fact in Korean, and as the stage called it."""
    return list(zip(flatten(values, named=fact_korean, said=told_korean), flatten(values), strict=True))


def _cell(value: Any) -> str:
    return "미측정" if value is None else str(value)


@cache
def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
    environment.globals |= {
        "kpi_svg": kpi_svg,
        "trend_svg": trend_svg,
        "alert_kinds": KIND_TITLES,
        "shift_titles": SHIFT_TITLES,
        "kpi_title": kpi_title,
        "figure_text": figure_text,
        "abx_figure": abx_figure,
        "abx_statistic": abx_statistic,
        "reason_korean": reason_korean,
        "phrase_korean": phrase_korean,
        "fact_korean": fact_korean,
        "told_korean": told_korean,
        "with_unit": with_unit,
        "hours_text": hours_text,
        "money_text": money_text,
        "model_title": model_title,
        "number_text": number_text,
        "languages": _LANGUAGES,
        "verdicts": VERDICT_TITLES,
        "status_en": STATUS_EN,
    }
    environment.filters["cell"] = _cell
    return environment


@cache
def _asset(name: str) -> Markup:
    return Markup((_TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704 - our own file
