"""The card of an exported model: data, consents, licence, figures with circumstances, limits; ko and en."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from components.core.exported import Description
from components.core.metrics import Evidence, Metric
from components.core.params.kpi import KpiParams
from components.reporting.names import kpi_title, model_title

_KINDS = {
    "text_to_speech": ("says a text", "글을 음성으로 읽습니다", "synthesise"),
    "prompted_speech": (
        "says a text in the voice of a prompt",
        "예시 녹음의 목소리로 읽습니다",
        "synthesise",
    ),
    "voice_conversion": ("says a recording in another voice", "녹음을 다른 목소리로 바꿉니다", "convert"),
    "lip_sync": ("makes a face say a recording", "얼굴이 녹음을 말하게 합니다", "lipsync"),
}
_HIDDEN = 12


@dataclass(frozen=True)
class VoiceTerms:
    """On what terms a voice is in the model; "" is not known on the machine that exported it."""

    speaker: str
    consent: str
    basis: str
    scope: str
    expires: str
    licence: str


@dataclass(frozen=True)
class CardFacts:
    """What the card says besides the description.

    Attributes:
        voices: that the model learned.
        data_md5, git_sha: of the training; "": not known.
        origins: file in the folder that says whom it learned from, and on what terms; "": none came along.
        evidence: of this version; None: it was not evaluated here.
        kpi: the targets.
    """

    description: Description
    voices: Sequence[VoiceTerms]
    data_md5: str
    git_sha: str
    origins: str
    evidence: Evidence | None
    kpi: KpiParams


def model_card(facts: CardFacts) -> str:
    """README.md of an exported folder."""
    return "\n".join([*_head(facts), *_use(facts), *_figures(facts), *_rights(facts), *_limits(facts), ""])


def _head(facts: CardFacts) -> Iterator[str]:
    one = facts.description
    english, korean, _ = _KINDS[one.kind]
    version = f"v{one.version}" if one.version.isdigit() else one.version
    yield f"# {model_title(one.model)} {version}"
    yield ""
    yield f"{one.model} {english}. {korean}."
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield f"| weights / 가중치 | sha256 `{one.weights_sha256}` |"
    yield f"| training run / 학습 실행 | {_known(one.run_id)} |"
    yield f"| data / 데이터 | {_known(facts.data_md5)} |"
    yield f"| code / 코드 | {_known(facts.git_sha)} |"
    yield f"| profile, scope / 프로필, 범위 | {one.profile}, {one.scope} |"
    yield ""


def _use(facts: CardFacts) -> Iterator[str]:
    verb = _KINDS[facts.description.kind][2]
    speaker = facts.voices[0].speaker if facts.voices else "SPEAKER"
    prompted = facts.description.kind == "prompted_speech"
    voice = '--prompt voice.wav --prompt-text "WORDS"' if prompted else f"--speaker {speaker}"
    words = {
        "synthesise": f'--text "안녕하세요." --language ko {voice} --out said.wav',
        "convert": f"--input recording.wav --speaker {speaker} --out converted.wav",
        "lipsync": "--video face.mp4 --audio recording.wav --out spoken.mp4",
    }[verb]
    yield "## Use / 사용"
    yield ""
    yield "```bash"
    yield "sha256sum -c manifest.sha256                    # every file as exported / 파일 확인"
    yield "python3.11 -m venv .venv && .venv/bin/pip install -r requirements.txt"
    yield ".venv/bin/python -I use.py check                # says the evaluation's sentences again / 재평가"
    yield f".venv/bin/python -I use.py {verb} {words}"
    yield "```"
    yield ""
    yield "MLflow: `mlflow.pyfunc.load_model(FOLDER).predict(rows)` (models from code, no pickle)."
    yield ""


def _figures(facts: CardFacts) -> Iterator[str]:
    yield "## Figures / 지표"
    yield ""
    if facts.evidence is None:
        yield "Not evaluated where it was exported: 미측정."
        yield ""
        return
    yield "| KPI | value / 값 | 95 % | n | target / 목표 | evidence / 증빙 | device / 장치 | judge / 평가기 |"
    yield "|---|---|---|---|---|---|---|---|"
    for metric in facts.evidence.metrics:
        yield _row(metric, facts.kpi)
    for missing in facts.evidence.not_measured:
        target = _target(missing.name, facts.kpi)
        yield f"| {_title(missing.name)} | 미측정 | | | {target} | {missing.reason} | | |"
    yield ""
    yield f"Evaluated / 평가 {facts.evidence.created}, run {facts.evidence.run_id}."
    yield "A figure holds for its device only. / 값은 표시된 장치에서만."
    yield ""


def _row(metric: Metric, kpi: KpiParams) -> str:
    unit = "" if metric.unit == "1" else f" {metric.unit}"
    judge = f"{metric.evaluator.id} ({metric.evaluator.kind})"
    return (
        f"| {_title(metric.name)} | {metric.value:.4g}{unit} | {metric.low:.4g} – {metric.high:.4g} "
        f"| {metric.n} | {_target(metric.name, kpi)} | {metric.evidence} "
        f"| {metric.device}, {metric.dtype} | {judge} |"
    )


def _title(name: str) -> str:
    title = kpi_title(name)
    return f"{title.en} / {title.ko}" if title.ko != title.en else title.en


def _target(name: str, kpi: KpiParams) -> str:
    target = kpi.target(name)
    return "" if target is None else f"{target:g}"


def _rights(facts: CardFacts) -> Iterator[str]:
    yield "## Voices and consent / 목소리와 동의"
    yield ""
    if not facts.voices:
        yield "It holds nobody's voice. / 화자의 목소리를 담고 있지 않습니다."
        yield ""
        return
    yield "| voice / 화자 | consent / 동의 | basis / 근거 | scope / 범위 | until / 기한 | terms / 조건 |"
    yield "|---|---|---|---|---|---|"
    for voice in facts.voices:
        cells = (voice.consent, voice.basis, voice.scope, voice.expires, voice.licence)
        yield f"| {voice.speaker} | " + " | ".join(cell or "–" for cell in cells) + " |"
    yield ""
    yield "The weights are under the licence of the repository they come from, and for what they learned of"
    yield "recorded people under these terms and no further. A withdrawal after the export does not reach"
    yield "this folder by itself: delete it then."
    yield "내보낸 뒤 동의가 철회되면 이 폴더를 삭제해야 합니다."
    yield "위 범위 밖의 사용은 허용되지 않습니다."
    if facts.origins:
        yield ""
        yield f"Whom it learned from, and whom to name / 학습 자료와 출처 표시: `{facts.origins}`."
    yield ""


def _limits(facts: CardFacts) -> Iterator[str]:
    judges = [metric.evaluator for metric in facts.evidence.metrics] if facts.evidence else []
    proxies = sorted({judge.id for judge in judges if judge.kind == "proxy"})
    scope = facts.description.scope
    yield "## Limits / 한계"
    yield ""
    if scope != "a100":
        yield f"- Judged in scope {scope}: no figure here is one of an A100. / A100 측정값이 아닙니다."
    if proxies:
        yield f"- Judged by proxies ({', '.join(proxies)}), not by people. / 대리 평가기의 값입니다."
    synthetic = [voice.speaker for voice in facts.voices if voice.basis == "synthetic"]
    if synthetic:
        count = f"{len(synthetic)} of {len(facts.voices)}"
        yield f"- Generated voices ({count}): figures on them say little of people."
        yield "- 합성 음성으로 학습·평가한 값은 실제 사람 음성의 성능을 보장하지 않습니다."
    yield "- What it makes is labelled as synthetic, in the file and in a JSON beside it; `use.py verify`."
    yield "- 생성물에는 인공지능 생성 표시가 들어갑니다. 표시를 지우지 마십시오(AI 기본법 제31조)."


def _known(value: str) -> str:
    return f"`{value[:40]}`" if value else "–"
